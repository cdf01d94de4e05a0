"""Extractors: pretrained convolutional feature extractors for detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """An extractor ready for use.

    ``stages`` are run one after another; stage i maps its input to a feature map (N, channels[i],
    about H / strides[i], about W / strides[i]) of the image (N, 3, H, W). ``mean`` and ``std`` are the
    preprocessing that the weights expect, for RGB in [0, 1]. ``crop_size`` is the side in pixels at
    which single regions are classified best. ``weights`` says where the weights came from.
    """

    stages: tuple[nn.Module, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop_size: int
    weights: str


class Extractor(Protocol):
    """An extractor component."""

    def __call__(self, *, weights: str, options: Any) -> FeatureMaps:
        """Build the extractor.

        ``weights`` is ``none`` (random), ``imagenet`` (the library's own, downloaded by it when
        absent) or the path of a safetensors or weights-only file.

        Raises:
            FileNotFoundError: the weights are not there.
            ValueError: they do not fit the network; the message names the first key that does not.
        """
        ...
