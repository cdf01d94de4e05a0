"""Activations: what stands between linear layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import nn


class Activation(Protocol):
    """An activation component."""

    def __call__(self, *, options: Any) -> nn.Module:
        """A new module that keeps the shape and dtype of its input, element by element.

        Called anew for every place where an activation stands, so that one with parameters has its own.
        """
        ...


class ActivationLayer(Protocol):
    """What blocks and backbones are given: the chosen activation with its options bound."""

    def __call__(self) -> nn.Module:
        """A new module; the shape of its output is that of its input."""
        ...
