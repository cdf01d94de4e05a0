"""``netlab detect train``: train a detector."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netlab.cli.core.flags import component_flags, model_flags
from netlab.cli.core.selection import choose_parts, read_selectors
from netlab.cli.core.session import Session
from netlab.cli.detect.shared import (
    RUNS,
    Progress,
    broken_cache_files_reported,
    cache_folder,
    finish,
    split_names,
    warn,
)
from netlab.engine.catalog import Component
from netlab.errors import UsageError

if TYPE_CHECKING:
    from netlab.detection.training.plan import DetectionPlan


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

        from netlab.detection.training.train_run import train_detector

        console = Console()
        plan = make_plan(
            parts, values, voc_dir, split_names(classes), weights=weights, one_based=one_based,
            validation=validation, name=name, runs=runs, cache=cache_folder(cache, no_cache), device=device,
        )  # fmt: skip
        for line in plan.data.problems.lines():
            warn(line)
        if not quiet:
            console.print(describe(plan), highlight=False)
            if plan.run.last_checkpoint.is_file() and not plan.run.is_finished:
                console.print("resuming after the last epoch that was finished", highlight=False)
        with Progress(console, quiet=quiet) as progress, broken_cache_files_reported():
            result = train_detector(plan, progress)
        progress.close_warnings()
        print_result(console, result, plan.run.path, quiet=quiet)

    return finish(session, train, flags, list(parts.values()))


def make_plan(
    parts: Mapping[str, Component],
    values: Mapping[str, Mapping[str, Any]],
    voc_dir: Path,
    classes: list[str],
    *,
    weights: str,
    one_based: bool,
    validation: float,
    name: str | None,
    runs: Path,
    cache: Path | None,
    device: str,
) -> DetectionPlan:
    """Everything resolved: options checked, data read, extractor built. Nothing is written."""
    import hashlib

    import tomli_w
    from pydantic import ValidationError

    from netlab.detection.data.voc import read_voc
    from netlab.detection.model.detect import DetectRule
    from netlab.detection.model.detector import make_backbone, proposal_source
    from netlab.detection.training.plan import DetectionPlan, data_digest
    from netlab.detection.training.settings import DetectionSettings
    from netlab.runs.directory import RunDirectory
    from netlab.runs.environment import describe_environment
    from netlab.training.device import choose_device

    try:
        settings = DetectionSettings.model_validate(values.get("", {}))
    except ValidationError as error:
        first = error.errors()[0]
        flag = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{flag}: {first['msg']}, not {first['input']!r}") from None
    chosen = choose_device(device)
    proposer, extractor = parts["proposer"], parts["extractor"]
    source = proposal_source(
        proposer,
        proposer.make_options(values.get("proposer", {})),
        limit=settings.limit,
        long_side=settings.long_side,
        min_side=settings.min_side,
        seed=settings.seed,
        cache=cache,
    )
    data = read_voc(
        voc_dir, classes=classes, one_based=one_based, val_fraction=validation, seed=settings.seed
    )
    built = make_backbone(
        extractor,
        extractor.make_options(values.get("backbone", {})),
        weights=weights,
        way=settings.features,
        image_side=settings.image_side,
    )
    digest, val_digest = data_digest(data)
    environment = describe_environment(
        parts.values(), device=chosen, precision="fp32", data_digest=digest, val_indices_digest=val_digest
    )
    plan = DetectionPlan(
        RunDirectory(runs / "unnamed"), data, voc_dir, source, built, settings, DetectRule(), chosen, weights,
        environment,
    )  # fmt: skip
    if name is None:
        counted = tomli_w.dumps(plan.config())
        digits = hashlib.sha256(counted.encode()).hexdigest()[:6]
        name = f"{proposer.name}-{extractor.name}-s{settings.seed}-{digits}"
    if "/" in name or "\\" in name or name.startswith("."):
        raise UsageError(f"--name {name}: a run's name is one folder's name, without '/' and no '.' in front")
    from dataclasses import replace

    return replace(plan, run=RunDirectory(runs / name))


def describe(plan: DetectionPlan) -> str:
    """What is about to be trained, in two lines."""
    names = ", ".join(plan.data.class_names[:6]) + (", ..." if len(plan.data.class_names) > 6 else "")
    train, val = plan.data.train, plan.data.val
    objects = sum(len(image.names) for image in train)
    return (
        f"{plan.source.settings.name}, {plan.backbone.component.name} ({plan.backbone.maps.weights} weights,"
        f" {plan.backbone.way}); {plan.device}\n"
        f"{len(train):,} training images with {objects:,} objects, {len(val):,} validation images"
        f" ({plan.data.split}); classes: {names}"
    )


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
