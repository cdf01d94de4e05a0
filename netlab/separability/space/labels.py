"""Labels and targets as given: checked, and labels coded as numbers from 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from netlab.neighbours.dtypes import Float, Int


@dataclass(frozen=True, slots=True)
class CodedLabels:
    """Labels as codes int64 (n,) into ``names``, in the sorted order of the labels given."""

    codes: Int
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


def encode_labels(*groups: NDArray[Any], names: tuple[str, ...] | None = None) -> list[CodedLabels]:
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
        coded.append(CodedLabels(inverse[start : start + len(group)], texts))
        start += len(group)
    return coded


def target_values(targets: Any, n: int) -> Float:
    """Targets of ``n`` points as float64 (n, t), checked to be finite numbers."""
    array = targets.detach().cpu().numpy() if isinstance(targets, Tensor) else np.asarray(targets)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"targets are of type {array.dtype}; expected numbers")
    array = array.astype(np.float64).reshape(len(array), -1)
    if len(array) != n:
        raise ValueError(f"there are {n} points but {len(array)} targets")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ValueError(f"targets are not finite at point {row}")
    return array
