"""``netlab detect train``: train a detector."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from netlab.cli.core.flags import component_flags, model_flags
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.selection import choose_parts, read_selectors
from netlab.cli.core.session import Session
from netlab.cli.detect.shared import (
    RUNS,
    broken_cache_files_reported,
    cache_folder,
    finish,
    split_names,
)


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the proposer and extractor that the command line names."""
    from netlab.detection.training.settings import DetectionSettings

    catalog = session.catalog
    words = read_selectors(session.after_command, ["proposer", "backbone"])
    parts = choose_parts(catalog, ("proposer", "extractor"), words, {})
    flags = [flag for component in parts.values() for flag in component_flags(component)]
    flags += model_flags(DetectionSettings, prefix="", owner="training", panel="Training")

    def train(
        values: dict[str, dict[str, Any]],
        voc_dir: Annotated[Path, typer.Argument(help="VOC layout, or a folder of images and XML.")],
        classes: Annotated[
            list[str] | None, typer.Option("--classes", help="Only these: cat,dog. Default: all.")
        ] = None,
        proposer: Annotated[str, typer.Option("--proposer", help="What proposes regions.")] = parts[
            "proposer"
        ].name,
        backbone: Annotated[
            str, typer.Option("--backbone", help="What describes regions; torchvision:resnet18.")
        ] = parts["extractor"].name,
        weights: Annotated[
            str, typer.Option("--weights", help="imagenet, none, or a safetensors or .pth file.")
        ] = "imagenet",
        one_based: Annotated[
            bool, typer.Option("--voc-one-based", help="Corners count from 1 and belong to the box.")
        ] = False,
        validation: Annotated[
            float,
            typer.Option(
                "--validation", min=0.0, max=0.9, help="Share of images held out if ImageSets has no split."
            ),
        ] = 0.2,
        name: Annotated[str | None, typer.Option("--name", help="The run's name.")] = None,
        runs: Annotated[Path, typer.Option("--runs", help="Where detectors are kept.")] = RUNS,
        cache: Annotated[
            Path | None, typer.Option("--cache", help="Where proposals are kept between calls.")
        ] = None,
        no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no proposals.")] = False,
        device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
        quiet: Annotated[bool, typer.Option("--quiet", help="Print only the result, as JSON.")] = False,
    ) -> None:
        """Train a detector on a Pascal VOC data set, any number of classes.

        The same command again resumes a run that was interrupted.
        """
        from rich.console import Console

        from netlab.detection.training.experiment import AnnotatedFolder, train_detector
        from netlab.network import Part

        console = Console()
        given = {"proposer": values.get("proposer", {}), "extractor": values.get("backbone", {})}
        with TerminalReporter(console, quiet=quiet) as reporter, broken_cache_files_reported():
            finished = train_detector(
                catalog,
                {kind: Part(part, part.make_options(given[kind])) for kind, part in parts.items()},
                values.get("", {}),
                AnnotatedFolder(voc_dir, split_names(classes), one_based, validation),
                weights=weights,
                runs=runs,
                name=name,
                cache=cache_folder(cache, no_cache),
                device=device,
                reporter=reporter,
            )
        print_result(console, finished.result, finished.directory.path, quiet=quiet)

    return finish(session, train, flags, list(parts.values()))


def print_result(console: Any, result: Mapping[str, Any], path: Path, *, quiet: bool) -> None:
    """The figures of ``result.json`` that people want first."""
    from rich.table import Table

    if quiet:
        print(json.dumps({"run": str(path), "ap50": result["ap50"], "ap": result["ap"]}))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for key, label in (
        ("ap50", "AP at IoU .5"),
        ("ap75", "AP at IoU .75"),
        ("ap", "AP .5:.95"),
        ("voc2007", "VOC 2007 AP"),
    ):
        value = "-" if result[key] is None else f"{result[key]:.3f}"
        table.add_row(f"validation {label}", f"[bold]{value}[/]" if key == "ap50" else value)
    confidence = ", ".join(f"{name} {value:.2f}" for name, value in list(result["confidence"].items())[:6])
    table.add_row("confidence of best F1", confidence)
    table.add_row("run", str(path))
    table.add_row("plots", str(path / "plots"))
    table.add_row("next", f"netlab detect predict IMAGES --model {path}")
    console.print()
    console.print(table, highlight=False)
