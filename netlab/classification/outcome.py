"""What a finished run came to: ``result.json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netlab.classification.evaluate import Evaluation
from netlab.classification.task import Setup
from netlab.training.loop import Trained


def result_of(
    trained: Trained, test: Evaluation, setup: Setup, class_names: Sequence[str], parameters: int
) -> dict[str, Any]:
    """``result.json``: the figures, the confusion matrix of the test set and the class names.

    Seconds and images count training epochs, of earlier sessions too.
    """
    history = trained.history
    seconds = sum(row["seconds"] for row in history)
    training_seconds = sum(len(setup.splits.train) / row["images_per_second"] for row in history)
    return {
        "test_accuracy": test.accuracy,
        "test_balanced_accuracy": test.balanced_accuracy,
        "test_accuracy_single_view": test.single_accuracy,
        "test_views": len(setup.settings.views_in_use),
        "test_loss": test.loss,
        "best_epoch": trained.progress.best_epoch,
        "best_val_balanced_accuracy": trained.progress.best_score[0],
        "epochs": trained.progress.epoch,
        "stopped_early": trained.stopped_early,
        "parameters": parameters,
        "images_per_second": len(history) * len(setup.splits.train) / training_seconds,
        "seconds": seconds,
        "seconds_per_epoch": seconds / len(history),
        "class_names": list(class_names),
        "confusion": test.confusion.tolist(),
    }
