"""An image seen in several ways: as it is, mirrored, moved a little. Their mean is right more often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class View:
    """One way: moved ``shift`` pixels down and to the right (the border reflected), then perhaps mirrored."""

    mirrored: bool = False
    shift: int = 0

    def __call__(self, images: Tensor) -> Tensor:
        """Images float (N, C, H, W), of the same shape and memory format."""
        reach, (height, width) = abs(self.shift), images.shape[2:]
        if reach:
            start = reach - self.shift
            padded = functional.pad(images, (reach,) * 4, mode="reflect")
            images = padded[:, :, start : start + height, start : start + width]
        return images.flip(3) if self.mirrored else images


@dataclass(frozen=True, slots=True)
class Views:
    """The image; with ``mirror`` also its mirror image; with ``shift`` both also moved so many pixels along a
    diagonal, either way. Iterating gives each ``View``, the image itself first.

    Source: Jordan, 94% on CIFAR-10 in 3.29 seconds on a single GPU, 2024, section 3.1 (shifts by 1).
    """

    mirror: bool = False
    shift: int = 0

    def __iter__(self) -> Iterator[View]:
        for shift in (0, self.shift, -self.shift) if self.shift else (0,):
            yield View(False, shift)
            if self.mirror:
                yield View(True, shift)

    def __len__(self) -> int:
        return (2 if self.mirror else 1) * (3 if self.shift else 1)

    def mean(self, logits: Sequence[Tensor]) -> Tensor:
        """The mean of the logits (N, K) of each view, those that are not moved weighing half of it."""
        if not self.shift:
            return torch.stack(list(logits)).mean(0)
        still = 2 if self.mirror else 1
        middle, moved = torch.stack(list(logits[:still])), torch.stack(list(logits[still:]))
        return (middle.mean(0) + moved.mean(0)) / 2


ONE_VIEW = Views()
