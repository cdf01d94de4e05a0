"""``netlab eval``: how well a trained network tells the classes of labelled images."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import plain_table, say_facts, terminal, warn
from netlab.cli.core.flags import Argument
from netlab.cli.core.options import Device, Json, OneRun
from netlab.cli.core.session import Session
from netlab.errors import NetlabError


class EvalOptions(OneRun, Device, Json):
    source: Annotated[Path | None, Argument("SOURCE")] = Field(
        None, description="A folder with a subfolder a class. Default: the run's own test images."
    )
    batch_size: int = Field(64, ge=1, description="Images at a time.")


def build(session: Session) -> Callable[..., None]:
    """The command; a run brings its parts with it, so there are no flags of parts."""

    def evaluate(options: EvalOptions) -> None:
        """Classify labelled images and count: accuracy, precision and recall by class with 95 % intervals.

        An image that can not be read is named and left out; the exit code is then 1.
        """
        from netlab.classification.assessment import assess, labelled_images
        from netlab.classification.classifier import load_classifier
        from netlab.runs.directory import find_run, newest_finished
        from netlab.training.device import choose_device

        run = newest_finished(options.runs) if options.run is None else find_run(options.run, options.runs)
        classifier = load_classifier(run, session.catalog, device=choose_device(options.device))
        names = classifier.interface.class_names
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            images = labelled_images(options.source, run, session.catalog, names)
            found = assess(classifier, images, batch_size=options.batch_size).as_dict()
        unread = [str(item.message) for item in caught if str(item.message).startswith("left out")]
        for problem in unread:
            warn(problem)
        if options.as_json:
            print(json.dumps({"run": run.name, **found}))
        else:
            print_figures(terminal(), run.name, found)
        if unread:
            raise NetlabError(f"images that could not be used: {len(unread)} (see above)")

    return command(session, EvalOptions, evaluate)


def print_figures(console: Any, run: str, found: Mapping[str, Any]) -> None:
    """Figures of all images, then of each class, then what was taken for what."""
    single = found["accuracy_single_view"]
    facts = [
        ("accuracy", share(found["accuracy"], found["accuracy_interval"])),
        *((("accuracy of one view", f"{single:.3f}"),) if single is not None else ()),
        ("balanced accuracy", f"{found['balanced_accuracy']:.3f}"),
        *(
            (f"among the {top} likeliest", f"{value:.3f}")
            for top, value in found["top"].items()
            if top != "1"
        ),
        ("calibration error", f"{found['calibration_error']:.3f}"),
        ("images", f"{found['images']:,}"),
    ]
    say_facts(console, facts)
    console.print()
    columns = ("precision", "recall", "images")
    table = plain_table("class", *columns, right=columns)
    for name, row in found["classes"].items():
        table.add_row(
            name,
            share(row["precision"], row["precision_interval"]),
            share(row["recall"], row["recall_interval"]),
            f"{row['images']:,}",
        )
    console.print(table)
    mistaken = [
        (count, true, taken)
        for true, counts in zip(found["classes"], found["confusion"], strict=True)
        for taken, count in zip(found["classes"], counts, strict=True)
        if true != taken and count
    ]
    for count, true, taken in sorted(mistaken, key=lambda row: -row[0])[:5]:
        console.print(f"{count:,} of {true} taken for {taken}", soft_wrap=True)
    console.print(f"evaluated by run {run}", style="dim", soft_wrap=True)


def share(value: float | None, interval: tuple[float, float] | None) -> str:
    """``.952 (.917 to .973)``."""
    if value is None or interval is None:
        return "-"
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"
