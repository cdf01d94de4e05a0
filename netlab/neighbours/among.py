"""Distances among some of the points: computed, with no bound, for what needs no decision."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from netlab.neighbours.dtypes import Float, Float32, Int
from netlab.neighbours.matmul import fastest_product, full_float32
from netlab.neighbours.matrix import FeatureMatrix
from netlab.neighbours.parallel import each, even_slices

CHUNK = 4096  # columns in memory at once
_SPANS = 16  # of rows, for the threads


def squared_distances_among(matrix: FeatureMatrix, rows: Int, others: Int | None = None) -> Float32:
    """Squared distances of some points to some others, float32 (rows, others); by default to one another.

    From float32 products about a common centre: a distance that is far smaller than those to the centre is
    not known well. A point is at 0 from itself.
    """
    left_rows, right_rows = rows, rows if others is None else others
    total = torch.zeros(len(left_rows), len(right_rows), device=matrix.device)
    left_squares, right_squares = (
        torch.zeros(len(some), dtype=torch.float64, device=matrix.device) for some in (left_rows, right_rows)
    )
    product = fastest_product(matrix.device)
    for lo in range(0, matrix.d, CHUNK):
        columns = slice(lo, min(lo + CHUNK, matrix.d))
        right, centre = _centred(matrix, right_rows, columns)
        left = right if others is None else _centred(matrix, left_rows, columns, centre)[0]

        def add(part: slice, left: Tensor = left, right: Tensor = right) -> None:
            total[part] += product.multiply(product.left(left[part].contiguous()), right)

        with full_float32():
            each(add, even_slices(0, len(left_rows), _SPANS), matrix.device)
        left_squares += torch.linalg.vector_norm(left, dim=1).double().square()
        right_squares += torch.linalg.vector_norm(right, dim=1).double().square()
    squares = left_squares[:, None] + right_squares - 2 * total.double()
    found = squares.clamp_(min=0.0).float().cpu().numpy()
    found[left_rows[:, None] == right_rows] = 0.0
    return found


def _centred(
    matrix: FeatureMatrix, rows: Int, columns: slice, centre: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Some columns of the rows, float32, less their mean, which is given too."""
    block = matrix.take(rows, columns).double()
    if matrix.standardization is not None:
        mean, scale = (_on(matrix, values[columns]) for values in
                       (matrix.standardization.mean, matrix.standardization.scale))  # fmt: skip
        block = (block - mean) / scale
    if centre is None:
        centre = block.mean(dim=0)
    return (block - centre).float(), centre


def _on(matrix: FeatureMatrix, values: Float) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(matrix.device)
