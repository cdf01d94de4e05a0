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
    from netlab.classification.predictions import Predicted, Prediction, PredictionRequest

SHOWN = 50  # images in the table on a terminal; a file or a pipe gets all


class PredictOptions(ManyImages, OneRun, Device, Json, ChangedParts):
    top: int = Field(1, ge=1, description="Classes an image, the likeliest first.")
    out: Annotated[Out[Path | None], Shown(metavar="FILE")] = Field(
        None, description="Write all to FILE.csv or FILE.json."
    )
    sort_into: Annotated[Path | None, Shown(metavar="FOLDER")] = Field(
        None, description="Copy each image into FOLDER/CLASS."
    )
    mirror: bool = Field(False, description="Average an image and its mirror image.")
    batch_size: int = Field(64, ge=1, description="Images at a time.")

    @property
    def request(self) -> PredictionRequest:
        from netlab.classification.predictions import PredictionRequest

        return PredictionRequest(
            self.sources, top=self.top, every=self.every, batch_size=self.batch_size, mirror=self.mirror,
            out=self.out, sort_into=self.sort_into,
        )  # fmt: skip


def build(session: Session) -> Callable[..., None]:
    """The command; a run brings its parts with it, so there are no flags of parts."""

    def predict(options: PredictOptions) -> None:
        """Classify images with a trained network. The data that it was trained on is not needed.

        Folders are gone through with all below them. An image that is missing or can not be read is named and
        left out: the exit code is then 1, and 0 if all were classified.
        """
        from netlab.classification.classifier import load_classifier
        from netlab.classification.predictions import predict as predict_sources
        from netlab.runs.directory import find_run, newest_finished
        from netlab.training.device import choose_device

        run = newest_finished(options.runs) if options.run is None else find_run(options.run, options.runs)
        classifier = load_classifier(
            run, session.catalog, device=choose_device(options.device), accept_changed=options.accept_changed
        )
        predicted = predict_sources(
            classifier, options.request, each=print_json if options.as_json else no_more, report_unread=warn
        )
        if not options.as_json:
            print_predictions(run.name, predicted, options)
        if unread := len(predicted.unread):
            whole = unread + len(predicted.predictions)
            raise NetlabError(f"{unread} of {whole} images could not be used (see above)")

    return command(session, PredictOptions, predict)


def print_json(prediction: Prediction) -> None:
    """A prediction as a line."""
    print(json.dumps(prediction.as_dict()), flush=True)


def no_more(prediction: Prediction) -> None:
    """All are printed at the end."""


def print_predictions(run: str, predicted: Predicted, options: PredictOptions) -> None:
    """The predictions, or the first of very many."""
    console, predictions = terminal(), predicted.predictions
    table = plain_table("image", "class", "probability", right=["probability"])
    shown = predictions[:SHOWN] if console.is_terminal else predictions
    for prediction in shown:
        for rank, (name, value) in enumerate(prediction.top):
            table.add_row(str(prediction.image) if rank == 0 else "", str(name), f"{value:.3f}")
    if predictions:
        console.print(table)
    if len(shown) < len(predictions):
        console.print(f"and {len(predictions) - len(shown):,} more (--out FILE.csv writes all)")
    if options.out is not None:
        console.print(f"written to {options.out}", soft_wrap=True)
    if options.sort_into is not None:
        console.print(f"copied to {options.sort_into}: {predicted.copied:,} images", soft_wrap=True)
    console.print(f"classified by run {run}", style="dim", soft_wrap=True)
