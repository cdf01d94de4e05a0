"""Mean distances to classes are those of all distances, by whichever products they are found."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import squared_distances
from prepared import among_others, sorted_points, with_themselves

from netlab.neighbours import mean_distances as module
from netlab.neighbours.mean_distances import mean_distances

CLASSES = np.array([0, 1, 1, 3] + [1, 3] * 28)  # one of a single point, one of none


def means_by_class(x, y, classes, *, alone=True):
    distances, found = np.sqrt(squared_distances(x, x)), np.full((len(y), classes), np.nan)
    for i in range(len(y)):
        for k in range(classes):
            others = (y == k) & ~(alone & (np.arange(len(y)) == i))
            if others.any():
                found[i, k] = distances[i, others].mean()
    return found


def tight_class_among_wide_ones(away):
    """Points of class 3 within about 1 of one another, the rest as wide as they are far."""
    rng = np.random.default_rng(0)
    tight = away + rng.integers(-8, 9, (60, 3)) / 8
    return np.where((CLASSES == 3)[:, None], tight, rng.normal(size=(60, 3)) * away)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("away", "doubles", "differences"), [(1.0, 0, 0), (1e4, 1, 0), (1e9, 1, 29)])
def test_mean_distances_are_those_of_all_distances(monkeypatch, away, doubles, differences):
    counts = {"half_width_double": 0, "_sums_of_differences": 0}

    def watch(name):
        original = getattr(module, name)

        def counted(*args):
            counts[name] += 1
            return original(*args)

        monkeypatch.setattr(module, name, counted)

    for name in counts:
        watch(name)
    x = tight_class_among_wide_ones(away)
    points = sorted_points(x, CLASSES)
    calls = []
    found = mean_distances(among_others(points), lambda done, total: calls.append((done, total)))
    assert np.allclose(found, means_by_class(x, CLASSES, 4), rtol=1e-4, equal_nan=True)
    assert np.isnan(found[0, 0])
    assert np.isnan(found[:, 2]).all()
    assert calls[-1] == (60, 60)
    assert counts == {"half_width_double": doubles, "_sums_of_differences": differences}

    itself = mean_distances(with_themselves(points))
    expected = means_by_class(x, CLASSES, 4, alone=False)[points.order]
    assert np.allclose(itself, expected, rtol=1e-4, atol=1e-9, equal_nan=True)
