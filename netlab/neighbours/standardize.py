"""Statistics of every feature over the points: float64 sums, each thread over points of its own.

The points are cut into the same parts whatever the number of threads, and the sums of the parts are
added in their order: the result is the same to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.neighbours.matrix import Source, Standardization
from netlab.neighbours.parallel import each, spans

_PARTS = 16
_BUFFER_BYTES = 1 << 23  # of float64, reused from block to block: new pages cost more than the sums

Rows = slice | NDArray[np.int64]


def double_blocks(source: Source, rows: Rows, around: Tensor | None = None) -> Iterator[Tensor]:
    """Rows before standardization (less ``around``), float64, a few at a time in one buffer."""
    start, stop = (rows.start, rows.stop) if isinstance(rows, slice) else (0, len(rows))
    step = int(max(1, min(stop - start, _BUFFER_BYTES // (8 * source.d))))
    buffer = torch.empty(step, source.d, dtype=torch.float64, device=source.device)
    for lo in range(start, stop, step):
        part = slice(lo, min(lo + step, stop))
        block = buffer[: part.stop - lo]
        block.copy_(source.take(part if isinstance(rows, slice) else rows[part], copy=False))
        if around is not None:
            block -= around
        yield block


def column_sums(blocks: Iterable[Tensor]) -> Tensor:
    """Sum over the rows of all blocks, float64 (d,).

    As products: PyTorch's sum over the first dimension takes several times as long.
    """
    total: Tensor | None = None
    for block in blocks:
        part = torch.mv(block.T, torch.ones(len(block), dtype=block.dtype, device=block.device))
        total = part if total is None else total.add_(part)
    assert total is not None
    return total


def column_means(source: Source) -> Tensor:
    """Mean of every feature before standardization, float64 (d,)."""
    return _over_parts(source, lambda part: column_sums(double_blocks(source, part))) / source.n


def _over_parts(source: Source, total: Callable[[slice], Tensor]) -> Tensor:
    return torch.stack(each(total, spans(0, source.n, _PARTS), source.device)).sum(0)


def fit_standardization(source: Source) -> Standardization:
    """Mean and standard deviation (divisor n) of every feature, in float64.

    A feature that is constant gets scale 1, so that it becomes 0, as scikit-learn's
    ``StandardScaler`` does.
    """
    mean = column_means(source)

    def squares(part: slice) -> Tensor:
        return column_sums(block.square_() for block in double_blocks(source, part, around=mean))

    scale = (_over_parts(source, squares) / source.n).sqrt()
    # What is left of a constant feature is the rounding of its mean.
    constant = scale <= 8 * torch.finfo(torch.float64).eps * mean.abs()
    scale[constant | (scale == 0)] = 1.0
    return Standardization(mean.cpu().numpy(), scale.cpu().numpy(), source.exponent)


def value_range(source: Source) -> tuple[float, float]:
    """Least and greatest value; NaN when there is one."""
    tensor = source.tensor

    def extremes(block: slice) -> tuple[float, float]:
        values = source.take(block) if tensor is None or tensor.dtype is torch.bool else tensor[block]
        least, greatest = values.aminmax()
        return float(least), float(greatest)

    found = each(extremes, source.blocks(), source.device)
    if any(math.isnan(value) for pair in found for value in pair):
        return math.nan, math.nan
    return min(pair[0] for pair in found), max(pair[1] for pair in found)
