"""Features as given: checked, never changed, read row by row."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.neighbours.dtypes import Bool, Float, Int

_NO_ARITHMETIC = (torch.uint16, torch.uint32, torch.uint64)
_TORCH_FLOATS = (torch.float16, torch.bfloat16, torch.float32)
_BLOCK_BYTES = 1 << 22  # in cache, and small enough that the allocator reuses the pages


@dataclass(frozen=True, slots=True)
class Standardization:
    """Per feature: subtract ``mean``, divide by ``scale``; float64 (d,), scale > 0.

    Both are in units of the features times ``2 ** exponent`` (not 0 only for extreme features).
    """

    mean: Float
    scale: Float
    exponent: int = 0


class FeatureMatrix:
    """A matrix of features (n, d) of any real type, in memory or memory-mapped.

    ``exact(rows)`` gives float64 values, the ones that every decision refers to: the features as they
    are, or standardized in float64. Features so large or small that squares leave the range of float64
    are multiplied by ``2 ** exponent``, which changes no comparison.
    """

    def __init__(
        self, features: Any, standardization: Standardization | None = None, exponent: int = 0
    ) -> None:
        self.array, self.tensor = _as_matrix(features)
        held = self.tensor if self.tensor is not None else self.array
        self.n, self.d = int(held.shape[0]), int(held.shape[1])
        self.standardization = standardization
        self.exponent = exponent if standardization is None else standardization.exponent
        self.itemsize = held.element_size() if isinstance(held, Tensor) else held.dtype.itemsize
        if standardization is not None and standardization.mean.shape != (self.d,):
            raise ValueError(
                f"standardization is for {len(standardization.mean)} features, but there are {self.d}"
            )

    @property
    def held(self) -> Any:
        """The features as given."""
        return self.tensor if self.tensor is not None else self.array

    @property
    def device(self) -> torch.device:
        return self.tensor.device if self.tensor is not None else torch.device("cpu")

    @property
    def is_single(self) -> bool:
        """Whether float32 holds every value as given."""
        return self.tensor is not None and self.tensor.dtype in _TORCH_FLOATS and self.exponent == 0

    def take(self, rows: Int | slice, columns: slice = slice(None), *, copy: bool = True) -> Tensor:
        """Rows before standardization: float32 where that is exact, else float64.

        A copy, unless ``copy`` is false: then perhaps a view, not to be changed.
        """
        if self.tensor is None:
            block = torch.from_numpy(np.array(self.array[rows, columns], dtype=np.float64))
        elif isinstance(rows, slice):
            view = self.tensor[rows, columns]
            block = view.clone() if copy else view
        else:
            index = torch.from_numpy(rows).to(self.tensor.device)
            block = self.tensor[:, columns].index_select(0, index)
        if self.is_single:
            return block.float()
        return _times_power(block.double(), self.exponent) if self.exponent else block.double()

    def exact(self, rows: Int | slice) -> Float:
        """Rows as float64 (len(rows), d), standardized if the space is."""
        block = np.ascontiguousarray(self.take(rows).double().cpu().numpy())
        if self.standardization is not None:
            block -= self.standardization.mean
            block /= self.standardization.scale
        return block

    def block_rows(self) -> int:
        """How many rows make a block that stays in cache."""
        return int(max(1, min(4096, _BLOCK_BYTES // (4 * max(1, self.d)))))

    def blocks(self, count: int | None = None) -> list[slice]:
        """Slices of that length of ``count`` rows, by default of all."""
        count, step = self.n if count is None else count, self.block_rows()
        return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def _times_power(block: Tensor, exponent: int) -> Tensor:
    """Times ``2 ** exponent``, which for subnormal numbers is beyond the range of float64: in two steps."""
    first = exponent // 2
    return block * 2.0**first * 2.0 ** (exponent - first)


def _as_matrix(features: Any) -> tuple[NDArray[Any], Tensor | None]:
    """The features as an array and, where PyTorch has the type, as a tensor that shares its memory."""
    if isinstance(features, Tensor):
        tensor = features.detach()
        if tensor.is_complex():
            raise ValueError("features are complex; expected real numbers")
        if tensor.layout is not torch.strided:
            tensor = tensor.to_dense()
        _check_shape(tuple(tensor.shape))
        if tensor.dtype in _NO_ARITHMETIC:
            return tensor.cpu().numpy(), None
        return np.empty((0, 0)), tensor
    array = features if isinstance(features, np.ndarray) else np.asarray(features)
    if array.dtype.kind not in "biuf":
        kind = "Python objects" if array.dtype.kind == "O" else f"type {array.dtype}"
        raise ValueError(f"features are {kind}; expected a matrix of real numbers")
    _check_shape(array.shape)
    try:
        with warnings.catch_warnings():  # a read-only file is fine: nothing here writes to it
            warnings.simplefilter("ignore")
            tensor = torch.from_numpy(array)
        return array, None if tensor.dtype in _NO_ARITHMETIC else tensor
    except (TypeError, ValueError):  # a type, byte order or stride that PyTorch lacks
        return array, None


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        raise ValueError(
            f"features have {len(shape)} dimension(s), shape {tuple(shape)}; expected 2: points × features"
        )
    if shape[1] == 0:
        raise ValueError(f"features have shape {tuple(shape)}: there is no feature to measure")


def first_not_finite(matrix: FeatureMatrix) -> tuple[int, int, float] | None:
    """Row, column and value of the first NaN or infinity, or None."""
    for block in matrix.blocks():
        values = matrix.take(block)
        bad = ~torch.isfinite(values)
        if bool(bad.any()):
            row, column = (int(i) for i in bad.nonzero()[0])
            return block.start + row, column, float(values[row, column])
    return None


def finite_rows(matrix: FeatureMatrix) -> Bool:
    """Which rows hold only finite values."""
    return np.concatenate(
        [torch.isfinite(matrix.take(block)).all(dim=1).cpu().numpy() for block in matrix.blocks()]
        or [np.zeros(0, dtype=bool)]
    )


def moderating_exponent(low: float, high: float) -> int:
    """The power of two that brings the largest of extreme features near 1; 0 for ordinary ones."""
    largest = max(abs(low), abs(high))
    return 0 if largest == 0 or 2.0**-40 < largest < 2.0**40 else -math.frexp(largest)[1]
