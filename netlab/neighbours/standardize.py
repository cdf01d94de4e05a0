"""Statistics of every feature over the points: float64 sums, each thread over points of its own.

The points are cut into the same parts whatever the number of threads, and the sums of the parts are
added in their order: the result is the same to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from netlab.neighbours.dtypes import Int
from netlab.neighbours.matrix import FeatureMatrix, Standardization
from netlab.neighbours.parallel import each, even_slices

_PARTS = 16
_BUFFER_BYTES = 1 << 23  # of float64, reused from block to block: new pages cost more than the sums

Rows = slice | Int


def double_blocks(matrix: FeatureMatrix, rows: Rows, around: Tensor | None = None) -> Iterator[Tensor]:
    """Rows before standardization (less ``around``), float64, a few at a time in one buffer."""
    start, stop = (rows.start, rows.stop) if isinstance(rows, slice) else (0, len(rows))
    step = int(max(1, min(stop - start, _BUFFER_BYTES // (8 * matrix.d))))
    buffer = torch.empty(step, matrix.d, dtype=torch.float64, device=matrix.device)
    for lo in range(start, stop, step):
        part = slice(lo, min(lo + step, stop))
        block = buffer[: part.stop - lo]
        block.copy_(matrix.take(part if isinstance(rows, slice) else rows[part], copy=False))
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


def column_means(matrix: FeatureMatrix) -> Tensor:
    """Mean of every feature before standardization, float64 (d,)."""
    return _over_parts(matrix, lambda part: column_sums(double_blocks(matrix, part))) / matrix.n


def _over_parts(matrix: FeatureMatrix, total: Callable[[slice], Tensor]) -> Tensor:
    return torch.stack(each(total, even_slices(0, matrix.n, _PARTS), matrix.device)).sum(0)


def fit_standardization(matrix: FeatureMatrix) -> Standardization:
    """Mean and standard deviation (divisor n) of every feature, in float64.

    A feature that is constant gets scale 1, so that it becomes 0, as scikit-learn's
    ``StandardScaler`` does.
    """
    mean = column_means(matrix)

    def squares(part: slice) -> Tensor:
        return column_sums(block.square_() for block in double_blocks(matrix, part, around=mean))

    scale = (_over_parts(matrix, squares) / matrix.n).sqrt()
    # What is left of a constant feature is the rounding of its mean.
    constant = scale <= 8 * torch.finfo(torch.float64).eps * mean.abs()
    scale[constant | (scale == 0)] = 1.0
    return Standardization(mean.cpu().numpy(), scale.cpu().numpy(), matrix.exponent)


def value_range(matrix: FeatureMatrix) -> tuple[float, float]:
    """Least and greatest value; NaN when there is one."""
    tensor = matrix.tensor

    def extremes(block: slice) -> tuple[float, float]:
        values = matrix.take(block) if tensor is None or tensor.dtype is torch.bool else tensor[block]
        least, greatest = values.aminmax()
        return float(least), float(greatest)

    found = each(extremes, matrix.blocks(), matrix.device)
    if any(math.isnan(value) for pair in found for value in pair):
        return math.nan, math.nan
    return min(pair[0] for pair in found), max(pair[1] for pair in found)
