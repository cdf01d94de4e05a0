"""Proposers: regions of an image that may hold an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Proposals:
    """Regions of one image, best first.

    ``boxes`` float32 (N, 4) as x1, y1, x2, y2 in pixels, 0-based, half-open (a box that covers the
    whole image is 0, 0, width, height); ``scores`` float32 (N,), not increasing.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)


class Proposer(Protocol):
    """A proposer component."""

    def __call__(self, image: NDArray[np.uint8], *, limit: int, seed: int, options: Any) -> Proposals:
        """Propose at most ``limit`` regions of ``image``, uint8 RGB (H, W, 3).

        The same image, seed and options must give the same proposals, in any order of calls and in
        any thread, and ``limit=k`` must give the first k of a larger limit. netlab itself converts
        colour and depth, resizes, scales boxes back, clips and removes duplicates.
        """
        ...
