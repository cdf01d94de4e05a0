"""A classifier with everything that stands between a photograph and its class, for use without netlab."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from netlab.classification.classifier import Classifier
from netlab.classification.interface import Interface

METADATA = "netlab"  # the key under which a file holds its description, as JSON


class Standalone(nn.Module):
    """Images uint8 (N, C, height, width) to probabilities float32 (N, K), rows adding up to 1.

    It normalizes, and averages the views of an image that the run asks for, as ``Classifier`` does.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        normalization = classifier.interface.normalization
        std, mean = torch.tensor(normalization.std), torch.tensor(normalization.mean)
        self.register_buffer("scale", (1 / (255 * std)).view(1, -1, 1, 1))
        self.register_buffer("shift", (mean / std).view(1, -1, 1, 1))
        self.network = classifier.network
        self.views = classifier.interface.views
        self.ends_in_softmax = isinstance(classifier.network[-1], nn.Softmax)

    def forward(self, images: Tensor) -> Tensor:
        normalized = images.to(torch.float32) * self.scale - self.shift
        outputs = self.views.mean([self.network(view(normalized)) for view in self.views])
        return outputs if self.ends_in_softmax else outputs.softmax(1)


def description(interface: Interface, run: str, version: str) -> dict[str, Any]:
    """What a user of the file must know, for JSON.

    ``mode`` and ``resampling`` are Pillow's names. With ``shorter`` the shorter side of an image is resized
    to so many pixels and the middle is cut out; with 0 the image is stretched.
    """
    return {
        "classes": list(interface.class_names),
        "mode": "RGB" if interface.channels == 3 else "L",
        "height": interface.height,
        "width": interface.width,
        "shorter": interface.shorter,
        # Pillow's BOX is the mean over an area, by which netlab shrinks images that it stretches.
        "resampling": interface.resampling.upper() if interface.shorter else "BOX",
        "input": "images: uint8 (N, channels, height, width), upright; normalized by the network",
        "output": "probabilities: float32 (N, classes)",
        "run": run,
        "made_by": f"netlab {version}",
    }
