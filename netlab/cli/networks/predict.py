"""``netlab predict``: classify images with a trained network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import plain_table, terminal, warn
from netlab.cli.core.flags import Shown
from netlab.cli.core.options import ChangedParts, Device, Json, ManyImages, OneRun, Out
from netlab.cli.core.session import Session
from netlab.errors import NetlabError

if TYPE_CHECKING:
    from netlab.classification.predictions import Prediction

SHOWN = 50  # images in the table on a terminal; a file or a pipe gets all


class PredictOptions(ManyImages, OneRun, Device, Json, ChangedParts):
    top: int = Field(1, ge=1, description="Classes an image, the likeliest first.")
    out: Annotated[Out[Path | None], Shown(metavar="FILE.csv")] = None
    batch_size: int = Field(64, ge=1, description="Images at a time.")


def build(session: Session) -> Callable[..., None]:
    """The command; a run brings its parts with it, so there are no flags of parts."""

    def predict(options: PredictOptions) -> None:
        """Classify images with a trained network. The data that it was trained on is not needed.

        Images are stretched to the network's size. One that can not be read is named and left out; the exit
        code is then 1.
        """
        from netlab.classification.classifier import load_classifier
        from netlab.classification.predictions import predict_files, write_predictions
        from netlab.data.image_sources import find_files
        from netlab.runs.directory import find_run, newest_finished
        from netlab.training.device import choose_device

        files = find_files(options.sources)
        run = newest_finished(options.runs) if options.run is None else find_run(options.run, options.runs)
        classifier = load_classifier(
            run, session.catalog, device=choose_device(options.device), accept_changed=options.accept_changed
        )
        unread: list[str] = []

        def report_unread(problem: str) -> None:
            unread.append(problem)
            warn(problem)

        kept: list[Prediction] = []
        for prediction in predict_files(
            classifier, files, top=options.top, every=options.every, batch_size=options.batch_size,
            unread=report_unread,
        ):  # fmt: skip
            if options.as_json:
                print(json.dumps(prediction.as_dict()), flush=True)
            if options.out is not None or not options.as_json:
                kept.append(prediction)
        if options.out is not None:
            write_predictions(options.out, kept)
        if not options.as_json:
            print_predictions(run.name, kept, options.out)
        if unread:
            raise NetlabError(f"images that could not be used: {len(unread)} (see above)")

    return command(session, PredictOptions, predict)


def print_predictions(run: str, predictions: list[Prediction], out: Path | None) -> None:
    """The predictions, or the first of very many."""
    console = terminal()
    table = plain_table("image", "class", "probability", right=["probability"])
    shown = predictions[:SHOWN] if console.is_terminal else predictions
    for prediction in shown:
        for rank, (name, value) in enumerate(prediction.top):
            table.add_row(str(prediction.image) if rank == 0 else "", str(name), f"{value:.3f}")
    if predictions:
        console.print(table)
    if len(shown) < len(predictions):
        console.print(f"and {len(predictions) - len(shown):,} more (--out FILE.csv writes all)")
    if out is not None:
        console.print(f"written to {out}", soft_wrap=True)
    console.print(f"classified by run {run}", style="dim", soft_wrap=True)
