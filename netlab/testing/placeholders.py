"""Norms, activations and blocks that the checks give to blocks and backbones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netlab.kinds.block import Size
from netlab.testing.checks import NotApplicable, Subject, expect


def no_norm(channels: int, size: Size) -> nn.Module:
    """The norm of a network without norms."""
    return nn.Identity()


def elu() -> nn.Module:
    """The activation of the checks, which is smooth."""
    return nn.ELU()


def plain_block(in_channels: int, out_channels: int, *, size: Size, stride: int = 1) -> nn.Module:
    """The block of the checks: a convolution and an activation that is smooth."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1), nn.ELU())


class Noted(nn.Module):
    """A layer that notes what came, beside what it was told would come."""

    def __init__(self, told: tuple[int, ...] | None, layer: nn.Module) -> None:
        super().__init__()
        self.told, self.layer = told, layer
        self.came: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.came.append(tuple(x.shape[1:]))
        output: Tensor = self.layer(x)
        return output


class Notes:
    """Factories of noted layers, and what became of them."""

    def __init__(self) -> None:
        self.made: list[Noted] = []

    def _note(self, told: tuple[int, ...] | None, layer: nn.Module) -> nn.Module:
        self.made.append(Noted(told, layer))
        return self.made[-1]

    def norm(self, channels: int, size: Size) -> nn.Module:
        return self._note((channels, *size), nn.Identity())

    def activation(self) -> nn.Module:
        return self._note(None, nn.ELU())

    def block(self, in_channels: int, out_channels: int, *, size: Size, stride: int = 1) -> nn.Module:
        return self._note(
            (in_channels, *size), plain_block(in_channels, out_channels, size=size, stride=stride)
        )


def expect_used(subject: Subject, notes: Notes, what: str, module: nn.Module, x: Tensor) -> None:
    """What the factory made is used in a forward pass, with the shape that it was told.

    A part that has no place for it says so by the tag ``ignores:norm``, ``ignores:activation`` or
    ``ignores:block``.
    """
    with torch.no_grad():
        module(x)
    if f"ignores:{what}" in subject.component.spec.tags:
        expect(not notes.made, f"it is tagged 'ignores:{what}', but calls {what}(...)")
        raise NotApplicable(f"it is tagged 'ignores:{what}'")
    expect(
        notes.made,
        f"it never calls {what}(...): --{what} would change nothing"
        f" (the tag 'ignores:{what}' says that it has no place for one)",
    )
    unused = sum(not layer.came for layer in notes.made)
    expect(not unused, f"{unused} of {len(notes.made)} modules that {what}(...) made are not used in forward")
    for layer in notes.made:
        for came in layer.came:
            expect(layer.told in (None, came), f"{what} was told {layer.told} (C, H, W), but {came} came")
