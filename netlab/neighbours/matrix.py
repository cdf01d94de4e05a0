"""Features and labels as given: checked, never changed, read row by row."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_NO_ARITHMETIC = (torch.uint16, torch.uint32, torch.uint64)
_TORCH_FLOATS = (torch.float16, torch.bfloat16, torch.float32)
_BLOCK_BYTES = 1 << 22  # in cache, and small enough that the allocator reuses the pages


@dataclass(frozen=True, slots=True)
class Standardization:
    """Per feature: subtract ``mean``, divide by ``scale``; float64 (d,), scale > 0.

    Both are in units of the features times ``2 ** exponent`` (not 0 only for extreme features).
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    exponent: int = 0


class Source:
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

    def take(
        self, rows: NDArray[np.int64] | slice, columns: slice = slice(None), *, copy: bool = True
    ) -> Tensor:
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
        return block.double() * 2.0**self.exponent if self.exponent else block.double()

    def exact(self, rows: NDArray[np.int64] | slice) -> NDArray[np.float64]:
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


def first_not_finite(source: Source) -> tuple[int, int, float] | None:
    """Row, column and value of the first NaN or infinity, or None."""
    for block in source.blocks():
        values = source.take(block)
        bad = ~torch.isfinite(values)
        if bool(bad.any()):
            row, column = (int(i) for i in bad.nonzero()[0])
            return block.start + row, column, float(values[row, column])
    return None


def finite_rows(source: Source) -> NDArray[np.bool_]:
    """Which rows hold only finite values."""
    return np.concatenate(
        [torch.isfinite(source.take(block)).all(dim=1).cpu().numpy() for block in source.blocks()]
        or [np.zeros(0, dtype=bool)]
    )


def moderating_exponent(low: float, high: float) -> int:
    """The power of two that brings extreme features near 1; 0 for ordinary ones."""
    largest = max(abs(low), abs(high))
    return 0 if largest == 0 or 2.0**-40 < largest < 2.0**40 else -math.frexp(largest)[1]


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels as codes int64 (n,) into ``names``, in the sorted order of the labels given."""

    codes: NDArray[np.int64]
    names: tuple[str, ...]


def label_values(labels: Any, what: str = "labels") -> NDArray[Any]:
    """Labels of any kind as a one-dimensional array, checked to be classes and not measurements."""
    array = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1:
        raise ValueError(f"{what} have shape {array.shape}; expected one label a point, shape (n,)")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            where = int(np.flatnonzero(~np.isfinite(array))[0])
            raise ValueError(f"{what} hold {array[where]} at point {where}; every point needs a label")
        if (array != np.floor(array)).any():
            raise ValueError(
                f"{what} are continuous (for example {array[array != np.floor(array)][0]:g}); expected "
                "classes. For a regression target measure the smoothness index 'smi' with targets"
            )
        array = array.astype(np.int64)
    elif array.dtype.kind == "O":
        if not all(isinstance(value, (str, int, np.integer)) for value in array):
            raise ValueError(f"{what} are Python objects; expected numbers or strings")
        array = np.asarray([str(value) for value in array])
    elif array.dtype.kind not in "biuSU":
        raise ValueError(f"{what} are of type {array.dtype}; expected integers or strings")
    return array


def encode_labels(*groups: NDArray[Any], names: tuple[str, ...] | None = None) -> list[Labels]:
    """Code several arrays of labels with one common list of classes.

    ``names`` are the names of the integer labels 0, 1, ...; those that no label uses are dropped.
    """
    kinds = {("text" if group.dtype.kind in "SU" else "number") for group in groups if len(group)}
    if len(kinds) > 1:
        raise ValueError("labels and reference labels differ in kind: numbers on one side, text on the other")
    classes, inverse = np.unique(np.concatenate(groups), return_inverse=True)
    if names is not None and len(classes) and classes.dtype.kind in "iu":
        if classes[0] < 0 or classes[-1] >= len(names):
            raise ValueError(
                f"labels reach from {classes[0]} to {classes[-1]}, but {len(names)} classes are named"
            )
        texts = tuple(names[int(value)] for value in classes)
    else:
        texts = tuple(
            v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in classes.tolist()
        )
    coded = []
    start = 0
    inverse = inverse.reshape(-1).astype(np.int64)
    for group in groups:
        coded.append(Labels(inverse[start : start + len(group)], texts))
        start += len(group)
    return coded
