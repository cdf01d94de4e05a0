"""Norms: normalization layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import nn

    from netlab.kinds.block import Size

Where = Literal["stem", "block"]  # between a backbone's own layers, or inside a block


class Norm(Protocol):
    """A norm component."""

    def __call__(self, channels: int, size: Size, *, where: Where, options: Any) -> nn.Module:
        """A module for input (N, channels, *size), float, of the same shape out.

        ``size`` is (height, width); ``where`` tells the place, for norms that differ inside blocks.

        Raises:
            ValueError: with one clear line, when the options do not fit the channels.
        """
        ...
