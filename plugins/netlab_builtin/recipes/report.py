"""The protocol of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netlab.kinds.recipe import DataFacts


def report(facts: DataFacts, *, options: None) -> Mapping[str, Any]:
    """100 epochs of SGD with momentum in float32, the rate .01 divided by ten after 50; flips and turns."""
    return {
        "optimizer": {"name": "sgd", "momentum": 0.9, "nesterov": False},
        "schedule": {"name": "step", "every": 50, "gamma": 0.1},
        "loss": {"name": "cross-entropy", "label_smoothing": 0.0},
        "augment": [
            {"name": "flip", "horizontal": True, "vertical": True},
            # It moves nothing, but draws: what is rotated how far is then what earlier runs had.
            {"name": "translate", "pixels": 0},
            {"name": "rotate", "degrees": 15.0},
        ],
        "training": {
            "epochs": 100,
            "batch_size": 128,
            "lr": 0.01,
            "weight_decay": 0.0,
            "clip": 0.0,
            "normalize": "half",
            "precision": "fp32",
        },
    }
