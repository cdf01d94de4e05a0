"""Backbones: the skeleton of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from netlab.kinds.dataset import Resampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netlab.kinds.activation import ActivationLayer
    from netlab.kinds.block import BlockFactory, NormLayer, Size


class Backbone(Protocol):
    """A backbone component, but for those tagged ``pretrained``: see ``PretrainedBackbone``."""

    def __call__(
        self,
        *,
        in_channels: int,
        image_size: Size,
        classes: int,
        block: BlockFactory,
        norm: NormLayer,
        activation: ActivationLayer,
        options: Any,
    ) -> nn.Sequential:
        """An ``nn.Sequential`` of named layers in the order of execution.

        Input (N, in_channels, *image_size) float; output logits (N, classes). The names are what
        users see in ``netlab summary`` and ``netlab metrics``; layers from the one named ``flatten``
        on (if any) are the head and are left out of the separability walk by default.
        A layer may be an ``ImageInitialized``.

        Raises:
            ValueError: with one clear line, when the image is too small for the skeleton.
        """
        ...


@runtime_checkable
class ImageInitialized(Protocol):
    """A layer whose first weights come from training images: any module of a backbone's network with this
    method."""

    def initialize_from(self, images: Tensor) -> None:
        """Set weights or buffers, before training begins.

        ``images`` float32 (N, C, H, W), N at most 5,000, are training images as the network is given them,
        normalized and not augmented; the same in every process and at every resume. What is set must be
        parameters or buffers, which the checkpoint holds: who loads a run calls this no more. A network that
        was never given images must work too, so that it can be summarized.

        Raises:
            ValueError: with one clear line, when the images do not suffice.
        """


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What pretrained weights expect of an image, uint8 RGB of any size.

    Its shorter side is resized to ``shorter`` pixels by ``resampling``, the middle ``size`` x ``size`` is cut
    out, and ``mean`` and ``std`` (of values in [0, 1], red first) normalize it.
    """

    size: int
    shorter: int
    resampling: Resampling
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Trunk:
    """A network up to the features that its classifier saw.

    ``layers`` are in the order of execution, by names without a dot; together they map float (N, 3, H, W) to
    ``features`` values, (N, features) or a map (N, features, h, w). ``weights`` says where they come from.
    """

    layers: Mapping[str, nn.Module]
    features: int
    weights: str


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A trunk that is not made yet, and what is known of it before."""

    preprocessing: Preprocessing
    make_trunk: Callable[[], Trunk]


class PretrainedBackbone(Protocol):
    """A backbone component tagged ``pretrained``: netlab adds the pooling and the classifier."""

    def __call__(self, *, weights: str, offline: bool, options: Any) -> Pretrained:
        """A trunk, with what its weights expect.

        ``weights`` is ``none`` (random, always the same), ``imagenet`` (the library's own, downloaded by it
        when absent, unless ``offline``) or the path of a safetensors or weights-only file.

        Raises:
            FileNotFoundError: the weights are not there; by ``make_trunk``.
            ValueError: there is no such network; or, by ``make_trunk``, the weights do not fit it: the
                message names the layers that do not.
        """
        ...
