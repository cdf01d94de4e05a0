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

from netlab.neighbours.candidates import Bool
from netlab.neighbours.matmul import fastest_engine, full_float32
from netlab.neighbours.matrix import Source
from netlab.neighbours.operands import Float, Int, gamma
from netlab.neighbours.parallel import each, spans
from netlab.neighbours.standardize import column_sums, double_blocks
from netlab.neighbours.tiles import Progress

CHUNK = 4096  # columns a product: fewer than neighbours need, as the bound grows with |ω|, not with |x|
_SPANS = 32  # of points, for the threads


@dataclass(frozen=True, slots=True)
class NearestCentres:
    """The nearest class mean of every query point; ties are all means at the least distance.

    ``own`` (m,) is 1 where it is that of the query's class, 0 where not, 1/t where it is one of t tied
    ones; ``any_own``, ``all_own``, ``first`` (the class code of lowest number) and ``confusion`` as in
    ``Nearest``. ``decided_again`` counts the queries that float32 did not decide.
    """

    own: Float
    any_own: Bool
    all_own: Bool
    first: Int
    confusion: Float
    decided_again: int


@dataclass(frozen=True, slots=True)
class Means:
    """Class means in the source's standardized coordinates, float64 (classes, d); NaN where empty.

    ``error`` (classes,) bounds the Euclidean distance of each from the exact mean.
    """

    values: Float
    error: Float


def class_means(source: Source, codes: Int, classes: int) -> Means:
    """Class means, summed in float64 as differences from a point of the class."""
    mean, scale = _frame(source)
    u = 2.0**-53

    def one(k: int) -> tuple[Float, float]:
        rows = np.flatnonzero(codes == k)
        if not len(rows):
            return np.full(source.d, np.nan), 0.0
        (around,) = source.take(rows[:1]).double()
        shift = torch.zeros_like(around)
        length = torch.zeros_like(around)
        for block in double_blocks(source, rows, around):
            shift += column_sums([block])
            length += column_sums([block.abs_()])
        origin = (around.cpu().numpy() - mean) / scale
        value = origin + shift.cpu().numpy() / len(rows) / scale
        spread, *sizes = _norms(np.stack([length.cpu().numpy() / len(rows) / scale, origin, value]))
        return value, float(gamma(len(rows) + 8, u) * spread + 4 * u * sum(sizes))

    found = each(one, range(classes), source.device)
    values = np.stack([value for value, _ in found])
    return Means(values, np.array([error for _, error in found]) + _tiny(source))


def _frame(source: Source) -> tuple[Float, Float]:
    standardization = source.standardization
    if standardization is None:
        return np.zeros(source.d), np.ones(source.d)
    return standardization.mean, standardization.scale


def _norms(vectors: Float) -> Float:
    """Lengths of the rows; without BLAS, whose threads would be waited for."""
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors))


def _tiny(source: Source) -> float:
    return source.d * 2.0**-1000


@dataclass(frozen=True, slots=True)
class _Relative:
    """|x - μ_k|² - |x - o|² for every query and class, its half width, and |x - o|²."""

    value: Float
    width: Float
    square: Float


def _relative_single(source: Source, rows: Int, means: Means, progress: Progress | None) -> _Relative:
    """In float32: one product with the class means."""
    device = source.device
    mean, scale = _frame(source)
    around = torch.from_numpy(np.nanmean(means.values, axis=0) * scale + mean).to(device, torch.float32)
    origin = (around.double().cpu().numpy() - mean) / scale
    omega = np.nan_to_num(means.values - origin)
    engine = fastest_engine(device)
    bounds = [(lo, min(lo + CHUNK, source.d)) for lo in range(0, source.d, CHUNK)]
    whole = len(rows) == source.n and np.array_equal(rows, np.arange(source.n))
    count, classes = len(rows), len(omega)
    product = np.empty((count, classes))
    square = np.empty(count)
    factor = torch.from_numpy(1 / scale).to(device, torch.float32) if source.standardization else None
    weights = torch.from_numpy(omega).to(device, torch.float32)
    step = min(source.block_rows(), count)

    def report(span: slice) -> None:
        if progress is not None:
            progress(span.stop, count)

    def fill(span: slice) -> None:
        operands = [engine.left(weights[:, lo:hi].contiguous()) for lo, hi in bounds]
        buffer = torch.empty(step, source.d, device=device)
        for start in range(span.start, span.stop, step):
            part = slice(start, min(start + step, span.stop))
            block = _shifted(source, part if whole else rows[part], around, buffer)
            if factor is not None:
                block.mul_(factor)
            total = torch.zeros(classes, len(block), device=device)
            norm = torch.zeros(len(block), dtype=torch.float64, device=device)
            for operand, (lo, hi) in zip(operands, bounds, strict=True):
                piece = block[:, lo:hi].contiguous()
                total += engine.multiply(operand, piece)
                norm += torch.linalg.vector_norm(piece, dim=1).double().square()
            product[part] = total.T.cpu().numpy()
            square[part] = norm.cpu().numpy()

    with full_float32():
        each(fill, spans(0, count, _SPANS), device, report)
    u = 2.0**-24
    length, size = np.sqrt(square) * (1 + 2 * gamma(CHUNK, u)), _norms(omega)
    rounding = 2 * gamma(min(CHUNK, source.d) + len(bounds) + 4, u) + 12 * u
    width = rounding * length[:, None] * size + 2 * means.error * (length[:, None] + size + means.error)
    width += (source.d + 8) * 2.0**-120 * (1 + length[:, None] + size)
    value = size**2 - 2 * product
    return _Relative(value, 1.01 * width, square)


def _shifted(source: Source, rows: Int | slice, around: Tensor, buffer: Tensor) -> Tensor:
    """Rows less a point, float32, where possible in ``buffer``."""
    tensor = source.tensor
    if isinstance(rows, slice) and tensor is not None and source.is_single and tensor.dtype is torch.float32:
        return torch.sub(tensor[rows], around, out=buffer[: rows.stop - rows.start])
    block = source.take(rows)
    if block.dtype is torch.float32:
        return block.sub_(around)
    return (block - around.double()).float()


def _relative_double(source: Source, rows: Int, means: Means) -> _Relative:
    """In float64."""
    origin = np.nanmean(means.values, axis=0)
    omega = np.nan_to_num(means.values - origin)
    size = _norms(omega)
    value = np.empty((len(rows), len(omega)))
    square = np.empty(len(rows))

    def fill(part: slice) -> None:
        z = source.exact(rows[part]) - origin
        square[part] = np.einsum("ij,ij->i", z, z)
        value[part] = size**2 - 2 * (torch.from_numpy(z) @ torch.from_numpy(omega).T).numpy()

    each(fill, source.blocks(len(rows)), source.device)
    u = 2.0**-53
    length = np.sqrt(square) * (1 + 2 * gamma(source.d, u))
    reach = np.abs(origin).max(initial=0.0) * np.sqrt(source.d)
    rounding = 2 * gamma(source.d + 8, u) + 12 * u
    width = rounding * length[:, None] * size + 4 * u * reach * size
    width = width + 2 * means.error * (length[:, None] + size + means.error) + _tiny(source)
    return _Relative(value, 1.01 * width, square)


def _differences(source: Source, rows: Int, means: Means) -> _Relative:
    """In float64, by differences: the last word. ``value`` is the whole squared distance here."""
    value = np.empty((len(rows), len(means.values)))

    def fill(part: slice) -> None:
        block = source.exact(rows[part])
        for k, mean in enumerate(means.values):
            value[part, k] = np.square(block - mean).sum(axis=1)

    each(fill, source.blocks(len(rows)), source.device)
    distance = np.sqrt(value)
    width = gamma(source.d + 6, 2.0**-53) * value + means.error * (2 * distance + means.error)
    return _Relative(value, 1.01 * width, np.zeros(len(rows)))


def nearest_centres(
    source: Source,
    rows: Int,
    codes: Int,
    centre_source: Source,
    centre_codes: Int,
    classes: int,
    *,
    leave_one_out: bool = False,
    progress: Progress | None = None,
) -> NearestCentres:
    """Decide which class mean of ``centre_source`` is nearest to each query (rows of ``source``).

    ``codes`` are the queries' classes (-1: not among the classes). With ``leave_one_out`` a point's own
    contribution is taken out of its class mean: with n points in the class that mean is at n / (n - 1)
    times the distance. A class of one point has no mean then, and its point counts as not nearest.
    """
    counts = np.bincount(centre_codes, minlength=classes)
    result = NearestCentres(
        np.zeros(len(rows)),
        np.zeros(len(rows), dtype=bool),
        np.zeros(len(rows), dtype=bool),
        np.full(len(rows), -1, dtype=np.int64),
        np.zeros((classes, classes)),
        0,
    )
    means = class_means(centre_source, centre_codes, classes)
    open_rows = np.arange(len(rows))
    again = 0
    for attempt in ("single", "double", "differences"):
        if attempt == "single":
            relative = _relative_single(source, rows, means, progress)
            epsilon = 3 * gamma(CHUNK + source.d // CHUNK + 8, 2.0**-24)
        elif attempt == "double":
            relative = _relative_double(source, rows[open_rows], means)
            epsilon = 3 * gamma(source.d + 8, 2.0**-53)
        else:
            relative = _differences(source, rows[open_rows], means)
            epsilon = 0.0
        low, high = _bounds(relative, codes[open_rows], counts, leave_one_out, epsilon)
        tied = ~(low > high.min(axis=1)[:, None]) & (low < np.inf)
        decided = np.ones(len(open_rows), dtype=bool)
        if attempt != "differences":
            decided = tied.sum(axis=1) <= 1
        _record(result, open_rows[decided], tied[decided], codes[open_rows[decided]])
        open_rows = open_rows[~decided]
        if attempt == "single":
            again = len(open_rows)
        if not len(open_rows):
            break
    return NearestCentres(result.own, result.any_own, result.all_own, result.first, result.confusion, again)


def _bounds(
    relative: _Relative, codes: Int, counts: Int, leave_one_out: bool, epsilon: float
) -> tuple[Float, Float]:
    value, width = relative.value.copy(), relative.width.copy()
    unknown = ~(np.isfinite(value) & np.isfinite(width))  # out of float32's range: nothing is decided
    value[unknown], width[unknown] = 0.0, np.inf
    value[:, counts == 0], width[:, counts == 0] = np.inf, 0.0
    if leave_one_out:
        row = np.flatnonzero(codes >= 0)
        own = codes[row]
        n = counts[own].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            # (n / (n - 1))² - 1, of the whole squared distance
            growth = (2 * n - 1) / (n - 1) ** 2
            whole = np.maximum(relative.square[row] + value[row, own], 0.0)
            extra = growth * (width[row, own] + epsilon * relative.square[row])
            value[row, own] = np.where(n > 1, value[row, own] + growth * whole, np.inf)
            width[row, own] = np.where(n > 1, width[row, own] + extra, 0.0)
    return value - width, value + width


def _record(result: NearestCentres, rows: Int, tied: Bool, codes: Int) -> None:
    total = np.maximum(tied.sum(axis=1), 1)
    own = np.where(codes >= 0, np.take_along_axis(tied, np.maximum(codes, 0)[:, None], axis=1)[:, 0], False)
    result.own[rows] = own / total
    result.any_own[rows] = own
    result.all_own[rows] = own & (total == 1)
    result.first[rows] = np.where(tied.any(axis=1), tied.argmax(axis=1), -1)
    row, found = np.nonzero(tied)
    known = codes[row] >= 0
    np.add.at(result.confusion, (codes[row[known]], found[known]), 1.0 / total[row[known]])
