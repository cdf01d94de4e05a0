"""``netlab detect train``: train a detector."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from netlab.cli.core.command import Given, command
from netlab.cli.core.console import say_facts, terminal
from netlab.cli.core.flags import model_flags
from netlab.cli.core.options import DetectorsFolder, Device, Named, ProposalCache, Quiet, Resumed
from netlab.cli.core.part_flags import part_flags
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.selection import choose_parts, read_selectors, selector_flags
from netlab.cli.core.session import Session
from netlab.cli.detect.cache_warnings import broken_cache_files_reported
from netlab.cli.detect.options import Annotations, OnlyClasses, VocFolder
from netlab.kinds import KINDS
from netlab.runs.sessions import catalog_for


class TrainOptions(OnlyClasses, Annotations, Named, DetectorsFolder, ProposalCache, Device, Quiet, Resumed):
    voc_dir: VocFolder
    weights: str = Field("imagenet", description="imagenet, none, or a safetensors or .pth file.")
    validation: float = Field(
        0.2, ge=0.0, le=0.9, description="Share of images held out if ImageSets has no split."
    )


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the detector, and of its parts, that the command line names."""
    from netlab.detection.training.choice import check_settings, chosen_detector, kinds_of, settings_of

    words = read_selectors(session.after_command, ["detector", "proposer", "backbone", "name", "detectors"])
    catalog = catalog_for(session.catalog, words.pop("detectors", "detectors"), words.pop("name", None))
    detector = chosen_detector(catalog, words.get("detector"), words.get("proposer"))
    check_settings(catalog, detector, session.after_command)
    parts = {"detector": detector, **choose_parts(catalog, kinds_of(detector)[1:], words, {})}
    helps = {
        "detector": "What finds objects, and learns to.",
        "proposer": "What proposes regions, of a detector that takes it.",
        "extractor": "The pretrained network that it stands on; torchvision:resnet18.",
    }

    def train(options: TrainOptions, given: Given) -> None:
        """Train a detector on a Pascal VOC data set, any number of classes.

        The same command again resumes a run that was interrupted.
        """
        from netlab.detection.training.experiment import AnnotatedFolder, prepare, run_experiment
        from netlab.engine.catalog import Part

        console = terminal()
        chosen = {
            kind: Part(part, part.make_options(given.get(KINDS[kind].selector, {})))
            for kind, part in parts.items()
        }
        images = AnnotatedFolder(options.voc_dir, options.classes, options.one_based, options.validation)
        with (
            TerminalReporter(console, quiet=options.quiet) as reporter,
            broken_cache_files_reported(),
        ):
            experiment = prepare(
                chosen, given.get("training", {}), images, weights=options.weights, runs=options.detectors,
                name=options.name, cache=options.cache_folder, device=options.device,
            )  # fmt: skip
            finished = run_experiment(experiment, catalog, reporter, options.rules)
        print_result(console, finished.result, finished.directory.path, quiet=options.quiet)

    flags = [
        *selector_flags(catalog, helps, helps, parts),
        *(flag for component in parts.values() for flag in part_flags(component, session.after_command)),
        *model_flags(settings_of(detector), table="training", owner="training", panel="Training"),
    ]
    return command(session, TrainOptions, train, flags=flags, parts=parts.values())


def print_result(console: Any, result: Mapping[str, Any], path: Path, *, quiet: bool) -> None:
    """The figures of ``result.json`` that people want first."""
    if quiet:
        print(json.dumps({"run": str(path), "ap50": result["ap50"], "ap": result["ap"]}))
        return
    figures = (
        ("ap50", "AP at IoU .5"),
        ("ap75", "AP at IoU .75"),
        ("ap", "AP .5:.95"),
        ("voc2007", "VOC 2007 AP"),
    )
    confidence = ", ".join(f"{name} {value:.2f}" for name, value in list(result["confidence"].items())[:6])
    console.print()
    intervals = result["intervals"] or {}

    def shown(key: str) -> str:
        if result[key] is None:
            return "-"
        low, high = intervals.get(key, (None, None))
        return f"{result[key]:.3f}" + (f" (95%: {low:.3f} to {high:.3f})" if low is not None else "")

    facts = (
        *((f"validation {label}", shown(key)) for key, label in figures),
        ("confidence of best F1", confidence),
        ("run", str(path)),
        ("plots", str(path / "plots")),
        ("next", f"netlab detect predict IMAGES --model {path}"),
    )
    say_facts(console, facts)
