"""Nearest class means, decided exactly.

In coordinates shifted to a common origin o, |x - μ|² - |x - o|² = |ω|² - 2 z·ω with z = x - o and
ω = μ - o: what differs between classes is one product of the points with a few vectors. It is computed
in float32 with a bound; points that it does not decide are decided in float64, first by the same
formula, then, if need be, by differences. Two means are tied when their
distances differ by no more than float64 can resolve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from netlab.neighbours.decision import Decisions, NearestDecision
from netlab.neighbours.dtypes import Float, Int
from netlab.neighbours.matmul import double_product, fastest_product, full_float32
from netlab.neighbours.matrix import FeatureMatrix
from netlab.neighbours.operands import gamma
from netlab.neighbours.parallel import each, even_slices
from netlab.neighbours.standardize import column_sums, double_blocks
from netlab.neighbours.tiles import ProgressCallback

CHUNK = 4096  # columns a product: fewer than neighbours need, as the bound grows with |ω|, not with |x|
_SPANS = 32  # of points, for the threads


@dataclass(frozen=True, slots=True)
class Means:
    """Class means in the matrix's standardized coordinates, float64 (classes, d); NaN where empty.

    ``error`` (classes,) bounds the Euclidean distance of each from the exact mean.
    """

    values: Float
    error: Float


def class_means(matrix: FeatureMatrix, codes: Int, classes: int) -> Means:
    """Class means, summed in float64 as differences from a point of the class."""
    mean, scale = _frame(matrix)
    u = 2.0**-53

    def one(k: int) -> tuple[Float, float]:
        rows = np.flatnonzero(codes == k)
        if not len(rows):
            return np.full(matrix.d, np.nan), 0.0
        (around,) = matrix.take(rows[:1]).double()
        shift = torch.zeros_like(around)
        length = torch.zeros_like(around)
        for block in double_blocks(matrix, rows, around):
            shift += column_sums([block])
            length += column_sums([block.abs_()])
        origin = (around.cpu().numpy() - mean) / scale
        value = origin + shift.cpu().numpy() / len(rows) / scale
        spread, *sizes = _norms(np.stack([length.cpu().numpy() / len(rows) / scale, origin, value]))
        return value, float(gamma(len(rows) + 8, u) * spread + 4 * u * sum(sizes))

    found = each(one, range(classes), matrix.device)
    values = np.stack([value for value, _ in found])
    return Means(values, np.array([error for _, error in found]) + _tiny(matrix))


def _frame(matrix: FeatureMatrix) -> tuple[Float, Float]:
    standardization = matrix.standardization
    if standardization is None:
        return np.zeros(matrix.d), np.ones(matrix.d)
    return standardization.mean, standardization.scale


def _norms(vectors: Float) -> Float:
    """Lengths of the rows; without BLAS, whose threads would be waited for."""
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors))


def _tiny(matrix: FeatureMatrix) -> float:
    return matrix.d * 2.0**-1000


@dataclass(frozen=True, slots=True)
class _Relative:
    """|x - μ_k|² - |x - o|² for every query and class, its half width, and |x - o|²."""

    value: Float
    width: Float
    square: Float


def _relative_single(
    matrix: FeatureMatrix, rows: Int, means: Means, progress: ProgressCallback | None
) -> _Relative:
    """In float32: one product with the class means."""
    device = matrix.device
    mean, scale = _frame(matrix)
    around = torch.from_numpy(np.nanmean(means.values, axis=0) * scale + mean).to(device, torch.float32)
    origin = (around.double().cpu().numpy() - mean) / scale
    omega = np.nan_to_num(means.values - origin)
    matmul = fastest_product(device)
    bounds = [(lo, min(lo + CHUNK, matrix.d)) for lo in range(0, matrix.d, CHUNK)]
    whole = len(rows) == matrix.n and np.array_equal(rows, np.arange(matrix.n))
    count, classes = len(rows), len(omega)
    product = np.empty((count, classes))
    square = np.empty(count)
    factor = torch.from_numpy(1 / scale).to(device, torch.float32) if matrix.standardization else None
    weights = torch.from_numpy(omega).to(device, torch.float32)
    step = min(matrix.block_rows(), count)

    def report(span: slice) -> None:
        if progress is not None:
            progress(span.stop, count)

    def fill(span: slice) -> None:
        operands = [matmul.left(weights[:, lo:hi].contiguous()) for lo, hi in bounds]
        buffer = torch.empty(step, matrix.d, device=device)
        for start in range(span.start, span.stop, step):
            part = slice(start, min(start + step, span.stop))
            block = _shifted(matrix, part if whole else rows[part], around, buffer)
            if factor is not None:
                block.mul_(factor)
            total = torch.zeros(classes, len(block), device=device)
            norm = torch.zeros(len(block), dtype=torch.float64, device=device)
            for operand, (lo, hi) in zip(operands, bounds, strict=True):
                piece = block[:, lo:hi].contiguous()
                total += matmul.multiply(operand, piece)
                norm += torch.linalg.vector_norm(piece, dim=1).double().square()
            product[part] = total.T.cpu().numpy()
            square[part] = norm.cpu().numpy()

    with full_float32():
        each(fill, even_slices(0, count, _SPANS), device, report)
    u = 2.0**-24
    length, size = np.sqrt(square) * (1 + 2 * gamma(CHUNK, u)), _norms(omega)
    rounding = 2 * gamma(min(CHUNK, matrix.d) + len(bounds) + 4, u) + 12 * u
    width = rounding * length[:, None] * size + 2 * means.error * (length[:, None] + size + means.error)
    width += (matrix.d + 8) * 2.0**-120 * (1 + length[:, None] + size)
    value = size**2 - 2 * product
    return _Relative(value, 1.01 * width, square)


def _shifted(matrix: FeatureMatrix, rows: Int | slice, around: Tensor, buffer: Tensor) -> Tensor:
    """Rows less a point, float32, where possible in ``buffer``."""
    tensor = matrix.tensor
    if isinstance(rows, slice) and tensor is not None and matrix.is_single and tensor.dtype is torch.float32:
        return torch.sub(tensor[rows], around, out=buffer[: rows.stop - rows.start])
    block = matrix.take(rows)
    if block.dtype is torch.float32:
        return block.sub_(around)
    return (block - around.double()).float()


def _relative_double(matrix: FeatureMatrix, rows: Int, means: Means) -> _Relative:
    """In float64."""
    origin = np.nanmean(means.values, axis=0)
    omega = np.nan_to_num(means.values - origin)
    size = _norms(omega)
    value = np.empty((len(rows), len(omega)))
    square = np.empty(len(rows))

    def fill(part: slice) -> None:
        z = matrix.exact(rows[part]) - origin
        square[part] = np.einsum("ij,ij->i", z, z)
        value[part] = size**2 - 2 * double_product(z, omega)

    each(fill, matrix.blocks(len(rows)), matrix.device)
    u = 2.0**-53
    length = np.sqrt(square) * (1 + 2 * gamma(matrix.d, u))
    reach = np.abs(origin).max(initial=0.0) * np.sqrt(matrix.d)
    rounding = 2 * gamma(matrix.d + 8, u) + 12 * u
    width = rounding * length[:, None] * size + 4 * u * reach * size
    width = width + 2 * means.error * (length[:, None] + size + means.error) + _tiny(matrix)
    return _Relative(value, 1.01 * width, square)


def _differences(matrix: FeatureMatrix, rows: Int, means: Means) -> _Relative:
    """In float64, by differences: the last word. ``value`` is the whole squared distance here."""
    value = np.empty((len(rows), len(means.values)))

    def fill(part: slice) -> None:
        block = matrix.exact(rows[part])
        for k, mean in enumerate(means.values):
            value[part, k] = np.square(block - mean).sum(axis=1)

    each(fill, matrix.blocks(len(rows)), matrix.device)
    distance = np.sqrt(value)
    width = gamma(matrix.d + 6, 2.0**-53) * value + means.error * (2 * distance + means.error)
    return _Relative(value, 1.01 * width, np.zeros(len(rows)))


def nearest_class_means(
    matrix: FeatureMatrix,
    rows: Int,
    codes: Int,
    mean_matrix: FeatureMatrix,
    mean_codes: Int,
    classes: int,
    *,
    leave_one_out: bool = False,
    progress: ProgressCallback | None = None,
) -> NearestDecision:
    """Decide which class mean of ``mean_matrix`` is nearest to each query (rows of ``matrix``).

    ``codes`` are the queries' classes. With ``leave_one_out`` a point's own contribution is taken out of
    its class mean: with n points in the class that mean is at n / (n - 1) times the distance. A class of
    one point has no mean then, and its point counts as not nearest.
    """
    counts = np.bincount(mean_codes, minlength=classes)
    decisions = Decisions(len(rows), classes)
    means = class_means(mean_matrix, mean_codes, classes)
    unsure = np.arange(len(rows))
    again = 0
    for attempt in ("single", "double", "differences"):
        if attempt == "single":
            relative = _relative_single(matrix, rows, means, progress)
            epsilon = 3 * gamma(CHUNK + matrix.d // CHUNK + 8, 2.0**-24)
        elif attempt == "double":
            relative = _relative_double(matrix, rows[unsure], means)
            epsilon = 3 * gamma(matrix.d + 8, 2.0**-53)
        else:
            relative = _differences(matrix, rows[unsure], means)
            epsilon = 0.0
        low, high = _bounds(relative, codes[unsure], counts, leave_one_out, epsilon)
        tied = ~(low > high.min(axis=1)[:, None]) & (low < np.inf)
        decided = np.ones(len(unsure), dtype=bool)
        if attempt != "differences":
            decided = tied.sum(axis=1) <= 1
        first = np.where(tied.any(axis=1), tied.argmax(axis=1), -1)
        decisions.record(unsure[decided], tied[decided], first[decided], codes[unsure[decided]])
        unsure = unsure[~decided]
        if attempt == "single":
            again = len(unsure)
        if not len(unsure):
            break
    return decisions.result(again)


def _bounds(
    relative: _Relative, codes: Int, counts: Int, leave_one_out: bool, epsilon: float
) -> tuple[Float, Float]:
    value, width = relative.value.copy(), relative.width.copy()
    unknown = ~(np.isfinite(value) & np.isfinite(width))  # out of float32's range: nothing is decided
    value[unknown], width[unknown] = 0.0, np.inf
    value[:, counts == 0], width[:, counts == 0] = np.inf, 0.0
    if leave_one_out:
        row = np.arange(len(codes))
        n = counts[codes].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            # (n / (n - 1))² - 1, of the whole squared distance
            growth = (2 * n - 1) / (n - 1) ** 2
            whole = np.maximum(relative.square + value[row, codes], 0.0)
            extra = growth * (width[row, codes] + epsilon * relative.square)
            value[row, codes] = np.where(n > 1, value[row, codes] + growth * whole, np.inf)
            width[row, codes] = np.where(n > 1, width[row, codes] + extra, 0.0)
    return value - width, value + width
