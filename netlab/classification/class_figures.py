"""Figures by class from a confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How well K classes are recognized.

    ``confusion`` int64 (K, K): rows true, columns predicted. By class, float64 (K,) in [0, 1], nan where
    there is nothing to divide by: ``precision`` = TP / predicted, ``recall`` = TP / true, ``f1`` =
    2 TP / (predicted + true). ``accuracy`` is the share of all images that are right,
    ``balanced_accuracy`` the mean recall of the classes that occur.
    """

    confusion: NDArray[np.int64]

    @property
    def right(self) -> NDArray[np.int64]:
        return self.confusion.diagonal()

    @property
    def images(self) -> NDArray[np.int64]:
        """True images of each class."""
        return np.asarray(self.confusion.sum(axis=1), np.int64)

    @property
    def precision(self) -> NDArray[np.float64]:
        return shares(self.right, self.confusion.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        return shares(self.right, self.images)

    @property
    def f1(self) -> NDArray[np.float64]:
        return shares(2 * self.right, self.confusion.sum(axis=0) + self.images)

    @property
    def accuracy(self) -> float:
        return float(self.right.sum() / self.confusion.sum())

    @property
    def balanced_accuracy(self) -> float:
        return float(np.nanmean(self.recall))


def shares(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> NDArray[np.float64]:
    """``parts / wholes``, nan where a whole is 0."""
    return np.divide(parts, wholes, out=np.full(len(parts), np.nan), where=wholes > 0)
