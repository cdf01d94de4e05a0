"""Standard errors and intervals say what other samples of the points would give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from brute_force import csi_per_point, si_per_point, squared_distances
from netlab_builtin.metrics.clusters import silhouette
from scipy import stats

from netlab.kinds.interval import mean_interval
from netlab.kinds.metric import MetricResult
from netlab.neighbours import among
from netlab.neighbours.among import squared_distances_among
from netlab.neighbours.matrix import FeatureMatrix, Standardization
from netlab.separability import FeatureSpace, si
from netlab.separability.space import halves as module
from netlab.separability.space.halves import Halves


def blobs(n=120, d=4, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    return rng.normal(size=(k, d))[y] * 1.2 + rng.normal(size=(n, d)), y


# -- distances among some of the points -----------------------------------------------------------


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("kind", ["float32", "float64", "tensor", "uint16"])
def test_distances_among_some_points_are_those_of_float64(monkeypatch, kind, standardize):
    monkeypatch.setattr(among, "CHUNK", 7)
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(60, 20)) * 20 + 100).astype(np.float32 if kind == "tensor" else kind)
    given = torch.from_numpy(x) if kind == "tensor" else x
    direct, scale = x.astype(np.float64), None
    if standardize:
        scale = Standardization(direct.mean(0), direct.std(0))
        direct = (direct - scale.mean) / scale.scale
    matrix, rows, others = FeatureMatrix(given, scale), rng.permutation(60)[:25], np.arange(0, 60, 3)
    found = squared_distances_among(matrix, rows)
    assert found.dtype == np.float32
    assert np.allclose(found, squared_distances(direct[rows], direct[rows]), rtol=1e-5, atol=1e-9)
    assert (np.diag(found) == 0).all()
    found = squared_distances_among(matrix, rows, others)
    assert np.allclose(found, squared_distances(direct[rows], direct[others]), rtol=1e-5, atol=1e-9)


# -- halves ---------------------------------------------------------------------------------------


def halves_of(x, y, monkeypatch=None, points=None) -> Halves:
    if points is not None:
        monkeypatch.setattr(module, "POINTS", points)
    return FeatureSpace(x, y).halves


@pytest.mark.parametrize("points", [40, 1000])
def test_values_of_halves_are_those_of_their_points_alone(monkeypatch, points):
    x, y = blobs(n=61)
    halves = halves_of(x, y, monkeypatch, points)
    x, y = x[halves.points], y[halves.points]
    assert len(y) == min(points, 61)
    own = halves.own_neighbours(3)
    means, alone = (halves.own_class_means(leave_one_out=out) for out in (False, True))
    for split in range(3):
        for side in (False, True):
            half = halves.sides[split] == side
            assert half.sum() in (len(y) // 2, -(-len(y) // 2))
            assert np.array_equal(own[split, half, 0], si_per_point(x[half], y[half]) == 1)
            distances = squared_distances(x[half], x[half])
            np.fill_diagonal(distances, np.inf)
            third = y[half][np.argsort(distances, axis=1)[:, 2]]
            assert np.array_equal(own[split, half, 2], third == y[half])
            assert np.array_equal(means[split, half], csi_per_point(x[half], y[half]) == 1)
            expected = csi_per_point(x[half], y[half], leave_one_out=True) == 1
            assert np.array_equal(alone[split, half], expected)


def test_distances_to_all_are_those_of_the_points_in_their_order(monkeypatch):
    x, y = blobs(n=70)
    monkeypatch.setattr(module, "FEW", 20)
    halves = halves_of(x, y, monkeypatch, 30)  # and of 30 points at once
    found = halves.distances_to_all
    assert np.allclose(found**2, squared_distances(x[halves.points[:20]], x), rtol=1e-4, atol=1e-6)


def test_the_design_effect_is_the_variance_between_halves_over_that_of_independent_points(monkeypatch):
    monkeypatch.setattr(module, "_PRIOR", 0.0)
    halves = halves_of(*blobs(n=31))
    values = np.random.default_rng(0).random((10, 31))
    apart = independent = 0.0
    for side, row in zip(halves.sides, values, strict=False):
        apart += (row[side].mean() - row[~side].mean()) ** 2
        independent += row[side].var(ddof=1) / side.sum() + row[~side].var(ddof=1) / (~side).sum()
    assert halves.design_effect(values) == pytest.approx(apart / independent)


def test_without_anything_to_tell_the_design_effect_is_the_usual_one():
    halves = halves_of(*blobs(n=31))
    assert halves.design_effect(np.ones((64, 31)), usual=1.7) == pytest.approx(1.7)
    assert halves_of(*blobs(n=5)).design_effect(np.ones((64, 5)), usual=1.7) == 1.7


def test_nearest_points_of_random_labels_in_the_plane_have_the_design_effect_of_mutual_neighbours():
    # 6π / (8π + 3√3) = .6215 of all points are the nearest of their nearest (Cox, Biometrics 37, 1981):
    # those two have one value, and with two classes alike all other pairs are independent.
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        halves = halves_of(rng.random((1000, 2)), rng.integers(0, 2, 1000))
        found.append(halves.design_effect(halves.own_neighbours(1)[..., 0]))
    assert np.mean(found) == pytest.approx(1.6215, abs=3 * np.std(found) / np.sqrt(12) + 0.01)


# -- the silhouette -------------------------------------------------------------------------------


def weighted_silhouette(distances, y, weights):
    """The mean silhouette where point j counts weights[j] times, also in the mean distances of others."""
    total = 0.0
    for i in range(len(y)):
        others = np.arange(len(y)) != i
        means = [
            np.average(distances[i, others & (y == k)], weights=weights[others & (y == k)]) for k in range(3)
        ]
        own, other = means[y[i]], min(mean for k, mean in enumerate(means) if k != y[i])
        total += weights[i] * (other - own) / max(own, other)
    return total / weights.sum()


def test_the_error_of_the_silhouette_is_that_of_the_infinitesimal_jackknife():
    x, y = blobs(n=50)
    distances = np.sqrt(squared_distances(x, x))
    influence = []
    for j in range(50):
        up, down = np.ones(50), np.ones(50)
        up[j], down[j] = 1 + 1e-4, 1 - 1e-4
        change = weighted_silhouette(distances, y, up) - weighted_silhouette(distances, y, down)
        influence.append(50 * change / 2e-4)
    found = silhouette(FeatureSpace(x, y), options=None)
    expected = np.std(influence) / np.sqrt(50)
    assert found.standard_error == pytest.approx(expected, rel=0.03)
    assert expected > 1.2 * found.per_point.std(ddof=1) / np.sqrt(50)


# -- intervals ------------------------------------------------------------------------------------


def test_the_interval_of_a_share_is_that_of_jeffreys():
    low, high = mean_interval(0.9, 0.9 * 0.1 / 50, 50, (0, 1))
    assert (low, high) == pytest.approx(stats.beta(45.5, 5.5).ppf([0.025, 0.975]))
    assert mean_interval(0.8, 4 * 0.9 * 0.1 / 50, 50, (-1, 1)) == pytest.approx((2 * low - 1, 2 * high - 1))
    assert mean_interval(1.0, 0.0, 50, (0, 1)) == pytest.approx((stats.beta(50.5, 0.5).ppf(0.025), 1.0))
    assert mean_interval(0.0, 0.0, 50, (0, 1)) == pytest.approx((0.0, stats.beta(0.5, 50.5).ppf(0.975)))
    assert mean_interval(7.0, 4.0, 50, None) == pytest.approx((7 - 3.92, 7 + 3.92), abs=1e-3)


def test_points_that_depend_on_one_another_and_a_sample_of_them_widen_the_error():
    x, y = blobs(n=200)
    whole, part = FeatureSpace(x, y), FeatureSpace(x, y, sample_queries=50)
    values = np.random.default_rng(0).random(200)
    result = MetricResult.from_points(values, whole, design_effect=1.6)
    assert result.standard_error == pytest.approx(values.std(ddof=1) * np.sqrt(1.6 / 200))
    result = MetricResult.from_points(values[:50], part, design_effect=1.6)
    assert result.standard_error == pytest.approx(values[:50].std(ddof=1) * np.sqrt(1 / 50 + 0.6 / 200))
    reach = 1.96 * result.standard_error
    assert result.interval == pytest.approx((result.value - reach, result.value + reach), abs=1e-4)


def test_intervals_of_si_near_1_hold_over_fresh_samples():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(120):
        y = rng.integers(0, 2, 100)
        found.append(si(rng.normal(size=(100, 3)) + 4.2 * y[:, None] / np.sqrt(3), y))
    truth = np.mean([result.value for result in found])
    assert 0.96 < truth < 0.99
    held = [result.interval[0] <= truth <= result.interval[1] for result in found]
    assert np.mean(held) > 0.9
    assert max(result.value for result in found) == 1.0
    assert all(result.interval[1] - result.interval[0] > 0.01 for result in found)
