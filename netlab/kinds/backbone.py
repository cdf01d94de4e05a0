"""Backbones: the skeleton of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import nn

    from netlab.kinds.activation import ActivationLayer
    from netlab.kinds.block import BlockFactory, NormLayer, Size


class Backbone(Protocol):
    """A backbone component."""

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

        Raises:
            ValueError: with one clear line, when the image is too small for the skeleton.
        """
        ...
