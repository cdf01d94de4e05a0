"""Every bound is used whole, on both sides: what may be nearer is looked at, what can not be is not.

The widths are replaced by round numbers, so that the edges are seen exactly.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from brute_force import own_distances, si_per_point
from prepared import among_others, matrix_of, sorted_points

from netlab.neighbours import candidates, class_means, nearest
from netlab.neighbours.nearest import nearest_distances
from netlab.neighbours.operands import gamma
from netlab.neighbours.tiles import distance_rows, query_minima

WIDTH = 0.25


def search_of(n=8, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return among_others(sorted_points(rng.normal(size=(n, d)), np.arange(n) % 2))


def test_the_least_distance_to_a_class_may_lie_a_width_below_or_above_the_computed_one(monkeypatch):
    monkeypatch.setattr(nearest, "half_width", lambda computed, *more: np.full(computed.shape, WIDTH))
    minima = np.array([[1.0, 2.0], [3.0, np.inf]], np.float32)
    low, high = nearest._intervals(search_of(2), minima, slice(0, 2))
    assert low.tolist() == [[0.75, 1.75], [2.75, np.inf]]
    assert high.tolist() == [[1.25, 2.25], [3.25, np.inf]]


def test_single_bounds_are_rounded_outwards_to_float32():
    search = search_of(400)
    rng = np.random.default_rng(1)
    limit = rng.random(400) * 10.0 ** rng.integers(-3, 4, 400)
    width = search.half_width(limit)
    upper = candidates.upper_single(search, limit).numpy().astype(np.float64)
    assert (upper >= limit + width).all()
    assert np.allclose(upper, limit + width, rtol=4 * 2.0**-24)
    edges = np.stack([limit - width, limit + width], axis=1)
    around = [np.nextafter(edges.astype(np.float32), np.float32(way)) for way in (-np.inf, np.inf)]
    tile = np.concatenate([*around, edges.astype(np.float32), limit[:, None].astype(np.float32)], axis=1)
    below, band = (found.numpy() for found in nearest._below_and_band(search, limit, torch.from_numpy(tile)))
    computed = tile.astype(np.float64)
    assert not below[computed >= edges[:, :1]].any()
    within = (computed >= edges[:, :1]) & (computed <= edges[:, 1:])
    assert band[within].all()
    assert not (below & band).any()
    far = torch.from_numpy(np.stack([edges[:, 0] - 1e-5 * limit, edges[:, 1] * (1 + 1e-5)], axis=1)).float()
    below, band = nearest._below_and_band(search, limit, far)
    assert below.numpy().tolist() == [[True, False]] * 400
    assert not band.any()


def test_the_limit_of_the_nearest_in_order_is_a_width_above_the_last_of_them(monkeypatch):
    search = search_of(30)
    ((_, tile),) = distance_rows(search)
    last = np.sort(tile.numpy().astype(np.float64), axis=1)[:, 2]
    limits, original = [], candidates.upper_single
    monkeypatch.setattr(
        candidates, "upper_single", lambda some, limit: limits.append(limit) or original(some, limit)
    )
    list(candidates.candidates_in_order(search, 3))
    assert np.array_equal(np.concatenate(limits), last + search.half_width(last))


@pytest.mark.parametrize(
    ("limit", "reach"),
    [(np.inf, 1.0 + 2 * WIDTH), (1.125, 1.125 + WIDTH)],  # from the least computed one; from a nearer limit
)
def test_float64_products_leave_what_is_within_two_widths_of_the_nearest(monkeypatch, limit, reach):
    values = np.array([[3.0, np.inf, 1.0, reach, np.nextafter(reach, np.inf), 1.125, 9.0, 9.0]])
    monkeypatch.setattr(candidates, "double_rows", lambda search: [(slice(0, 1), values.copy(), np.ones(1))])
    monkeypatch.setattr(candidates, "half_width_double", lambda points, distance, squares: WIDTH)
    row, position = candidates._scan_double(search_of(), np.array([limit]), 1, None)
    assert row.tolist() == [0, 0, 0]
    assert position.tolist() == [2, 3, 5]


def test_float64_products_place_what_is_beyond_a_width_of_the_end(monkeypatch):
    edges = np.array([2 - WIDTH, 2 + WIDTH])
    values = np.array(
        [[np.nextafter(edges[0], 0), edges[0], 2.0, edges[1], np.nextafter(edges[1], 9), 9, 9, 9]]
    )
    monkeypatch.setattr(nearest, "double_rows", lambda search: [(slice(0, 1), values, np.ones(1))])
    monkeypatch.setattr(nearest, "half_width_double", lambda points, distance, squares: WIDTH)
    search = search_of().part(slice(0, 1))
    below, row, position = nearest._below_and_band_double(search, np.array([2.0]))
    assert below.numpy().tolist() == [[True] + [False] * 7]
    assert row.tolist() == [0, 0, 0]
    assert position.tolist() == [1, 2, 3]


def test_every_part_of_the_queries_is_decided(monkeypatch):
    monkeypatch.setattr(nearest, "_ROWS", 40)
    rng = np.random.default_rng(2)
    x = np.concatenate([100 * rng.normal(size=(80, 5)), np.ones((80, 5)), rng.normal(size=(40, 5))])
    y = rng.integers(0, 3, 200)
    search = among_others(sorted_points(x, y))
    minima = query_minima(search)
    found = nearest.nearest(search, minima)
    assert np.array_equal(found.own, si_per_point(x, y))
    assert nearest.nearest(search.part(slice(0, 80)), minima[:80]).decided_again == 0  # two parts
    assert found.decided_again >= 80  # two more, and one after them
    distances, same = own_distances(x), y[:, None] == y
    own, other = nearest_distances(search, minima)
    assert np.array_equal(own, np.where(same, distances, np.inf).min(1))
    assert np.array_equal(other, np.where(~same, distances, np.inf).min(1))


@pytest.mark.parametrize("leave_one_out", [False, True])
def test_distances_to_class_means_lie_a_width_below_or_above(leave_one_out):
    value, width = np.array([[2.0, 3.0, 9.0], [5.0, 1.0, 9.0]]), np.array([[0.5, 0.25, 0.0], [1.0, 2.0, 0.0]])
    relative = class_means._Relative(value, width, np.array([10.0, 20.0]))
    counts, codes, epsilon = np.array([3, 2, 0]), np.array([0, 1]), 2.0**-6
    low, high = class_means._bounds(relative, codes, counts, leave_one_out, epsilon)
    expected_value, expected_width = value.copy(), width.copy()
    if leave_one_out:  # (n / (n - 1))² times the whole distance: 9/4 of it and 4 of it
        for row, own, times in ((0, 0, 9 / 4), (1, 1, 4.0)):
            whole = relative.square[row] + value[row, own]
            expected_value[row, own] = times * whole - relative.square[row]
            expected_width[row, own] = times * width[row, own] + (times - 1) * epsilon * relative.square[row]
    assert np.allclose(low[:, :2], (expected_value - expected_width)[:, :2], rtol=1e-14)
    assert np.allclose(high[:, :2], (expected_value + expected_width)[:, :2], rtol=1e-14)
    assert np.isposinf(low[:, 2]).all()  # no mean
    assert np.isposinf(high[:, 2]).all()


SINGLE, DOUBLE = 2.0**-24, 2.0**-53


@pytest.mark.parametrize(
    "scale", [1.0, 2.0**-970]
)  # of the features; of the small ones only underflow is left
@pytest.mark.parametrize("standardize", [False, True])
def test_the_bound_of_a_class_mean_is_the_one_that_is_derived(scale, standardize):
    x = (np.random.default_rng(6).normal(size=(30, 4)) + 7.0) * (1 if standardize else scale)
    matrix, codes = matrix_of(x, standardize), np.repeat([0, 1], [1, 29])
    found, values = class_means.class_means(matrix, codes, 2), matrix.exact(np.arange(30))
    for k, n in ((0, 1), (1, 29)):
        first, mean = values[codes == k][0], values[codes == k].mean(axis=0)
        spread = np.linalg.norm(np.abs(values[codes == k] - first).mean(axis=0))
        rounding = gamma(n + 8, DOUBLE) * spread + 4 * DOUBLE * (np.linalg.norm(first) + np.linalg.norm(mean))
        assert found.error[k] == pytest.approx(rounding + 4 * 2.0**-1000, rel=1e-6, abs=0)


@pytest.mark.parametrize("scale", [1.0, 2.0**-120])
@pytest.mark.parametrize("errors", [(0.0, 0.0), (0.5, 0.01)])
@pytest.mark.parametrize("stage", ["single", "double", "differences"])
def test_the_bound_of_a_distance_to_a_class_mean_is_the_one_that_is_derived(
    monkeypatch, stage, errors, scale
):
    if stage == "single":
        monkeypatch.setattr(class_means, "CHUNK", 4096)
    rng = np.random.default_rng(7)
    d, rows = 40, np.arange(20)
    x, means = rng.normal(size=(20, d)) * scale, (rng.normal(size=(2, d)) + 3.0) * scale
    error = np.array(errors) * scale
    given, matrix = class_means.Means(means, error), matrix_of(x)
    origin = means.mean(axis=0)
    length, size = np.linalg.norm(x - origin, axis=1)[:, None], np.linalg.norm(means - origin, axis=1)
    if stage == "single":
        length = length * (1 + 2 * gamma(4096, SINGLE))
        found = class_means._relative_single(matrix, rows, given, None).width
        expected = (2 * gamma(d + 5, SINGLE) + 12 * SINGLE) * length * size
        expected = expected + (d + 8) * 2.0**-120 * (1 + length + size)
    elif stage == "double":
        length = length * (1 + 2 * gamma(d, DOUBLE))
        found = class_means._relative_double(matrix, rows, given).width
        expected = (2 * gamma(d + 8, DOUBLE) + 12 * DOUBLE) * length * size + d * 2.0**-1000
        expected = expected + 4 * DOUBLE * np.abs(origin).max() * np.sqrt(d) * size
    else:
        found = class_means._differences(matrix, rows, given).width
        distance = np.linalg.norm(x[:, None] - means, axis=2)
        expected = gamma(d + 6, DOUBLE) * distance**2 + error * (2 * distance + error)
    if stage != "differences":
        expected = expected + 2 * error * (length + size + error)
    assert np.allclose(found, 1.01 * expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("stage", "epsilon"), [("single", 3 * gamma(4096 + 8, SINGLE)), ("double", 3 * gamma(11, DOUBLE))]
)
def test_leaving_one_out_allows_for_the_rounding_of_the_whole_distance(monkeypatch, stage, epsilon):
    given, original = [], class_means._bounds

    def watched(relative, codes, counts, leave_one_out, epsilon):
        given.append(epsilon)
        low, high = original(relative, codes, counts, leave_one_out, epsilon)
        if len(given) == 1 + (stage == "double"):
            return low, high
        return np.full_like(low, -np.inf), np.full_like(high, np.inf)  # nothing is decided

    monkeypatch.setattr(class_means, "_bounds", watched)
    x, y = np.random.default_rng(8).normal(size=(6, 3)), np.arange(6) % 2
    class_means.nearest_class_means(matrix_of(x), np.arange(6), y, matrix_of(x), y, 2, leave_one_out=True)
    assert given[-1] == pytest.approx(epsilon, rel=1e-9, abs=0)
