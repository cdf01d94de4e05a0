"""Points that metrics are checked on: clusters, and the feature space that a metric's tags ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.separability import FeatureSpace

POINTS, FEATURES, CLASSES = 60, 5, 3


@dataclass(frozen=True, slots=True)
class Points:
    """Features float64 (n, d), labels int64 (n,), targets float64 (n,), and other such points."""

    features: NDArray[np.float64]
    labels: NDArray[np.int64]
    targets: NDArray[np.float64]
    reference: Points | None = None

    def ordered(self, order: NDArray[np.int64]) -> Points:
        """The same points in another order; the reference stays."""
        return replace(
            self, features=self.features[order], labels=self.labels[order], targets=self.targets[order]
        )

    def scaled(self, factor: float) -> Points:
        """The same points with every feature multiplied."""
        reference = None if self.reference is None else self.reference.scaled(factor)
        return replace(self, features=self.features * factor, reference=reference)


def clusters(
    separation: float = 2.0,
    *,
    seed: int = 0,
    points: int = POINTS,
    features: int = FEATURES,
    classes: int = CLASSES,
    rounded: bool = False,
    with_reference: bool = True,
) -> Points:
    """Clusters of deviation 1 about centres of deviation ``separation``, the classes in turn.

    Targets are twice the first feature. ``rounded`` features are whole numbers: many points are equally far.
    """
    centres = separation * np.random.default_rng(7).standard_normal((classes, features))
    labels = np.arange(points) % classes
    noise = np.random.default_rng(seed).standard_normal((points, features))
    values = centres[labels] + noise
    if rounded:
        values = np.round(values / 2)
    reference = None
    if with_reference:
        reference = clusters(
            separation, seed=seed + 100, points=points, features=features, classes=classes,
            rounded=rounded, with_reference=False,
        )  # fmt: skip
    return Points(values, labels, 2 * values[:, 0], reference)


def shuffled(points: Points, seed: int = 3) -> Points:
    """The same features with labels and targets that have nothing to do with them."""
    order = np.random.default_rng(seed).permutation(len(points.labels))
    reference = None if points.reference is None else shuffled(points.reference, seed + 1)
    return replace(points, labels=points.labels[order], targets=points.targets[order], reference=reference)


def space_of(
    tags: frozenset[str], points: Points, *, names: list[str] | None = None, sample_queries: int | None = None
) -> FeatureSpace:
    """The space that a metric's tags ask for; label i is called ``names[i]`` where names are given."""

    def called(labels: NDArray[Any]) -> NDArray[Any]:
        return labels if names is None else np.asarray(names)[labels]

    more: dict[str, Any] = {"sample_queries": sample_queries}
    if "reference" in tags:
        assert points.reference is not None
        more["reference"] = FeatureSpace(points.reference.features, called(points.reference.labels))
    if "layers" in tags:
        more["previous"] = FeatureSpace(points.features[:, ::-1] ** 2, called(points.labels))
    if "targets" in tags:
        return FeatureSpace(points.features, targets=points.targets, **more)
    return FeatureSpace(points.features, called(points.labels), **more)
