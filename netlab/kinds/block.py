"""Blocks: what a backbone repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import nn

    from netlab.kinds.activation import ActivationLayer

Size = tuple[int, int]  # (height, width) in pixels


class NormLayer(Protocol):
    """Makes the normalization layer that the user chose, for the place where it is needed."""

    def __call__(self, channels: int, size: Size) -> nn.Module:
        """A module for input (N, channels, *size); ``nn.Identity`` when no norm was chosen."""
        ...


class Block(Protocol):
    """A block component: a class or function called with keywords only after the channels."""

    def __call__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        size: Size,
        norm: NormLayer,
        activation: ActivationLayer,
        options: Any,
    ) -> nn.Module:
        """A module from (N, in_channels, H, W) to (N, out_channels, H, W), float.

        ``size`` is (H, W), for norms whose parameters depend on it; ``activation()`` makes the activation
        that the user chose. A block tagged ``stride`` in its ``ComponentSpec`` also takes ``stride: int`` and
        gives (N, out_channels, ceil(H / stride), ceil(W / stride)); for one that is not, netlab pools before
        the block.

        Raises:
            ValueError: with one clear line, when channels or options do not fit together.
        """
        ...


class BlockFactory(Protocol):
    """What a backbone is given: the chosen block with its options, norm and activation bound."""

    def __call__(self, in_channels: int, out_channels: int, *, size: Size, stride: int = 1) -> nn.Module: ...
