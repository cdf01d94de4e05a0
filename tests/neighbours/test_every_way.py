"""Every way through the kernel: many classes in a tile, many near ties, copies, a part in memory at once.

Small points take the short ways only; these are made so that each long way is taken, which the tests
check, and give what float64 gives.
"""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import own_distances, si_per_point, squared_distances
from prepared import among_others, sorted_points

from netlab.neighbours import candidates, nearest, operands, tiles
from netlab.neighbours.nearest import nearest_distances, neighbours_in_order, run_lengths
from netlab.neighbours.tiles import class_minima, query_minima

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


@pytest.fixture
def taken(monkeypatch):
    """Counts the calls of some functions, which go on as before."""
    counts: dict[str, int] = {}

    def watch(module, name):
        original = getattr(module, name)

        def counted(*args, **named):
            counts[name] = counts.get(name, 0) + 1
            return original(*args, **named)

        monkeypatch.setattr(module, name, counted)
        return counts

    return watch


def least_by_class(distances, codes, classes):
    return np.stack([distances[:, codes == k].min(axis=1, initial=np.inf) for k in range(classes)], axis=1)


def runs(x, y):
    """Signed runs from all distances; a points that continue a run tie with b that end it: a / (b + 1)."""
    result = []
    for i, row in enumerate(own_distances(x)):
        others = np.arange(len(y)) != i
        same, other = others & (y == y[i]), others & (y != y[i])
        ends = [row[side].min(initial=np.inf) for side in (same, other)]
        end = max(ends)
        closer = [(side & (row < end)).sum() for side in (same, other)]
        tied = [(side & (row == end)).sum() for side in (same, other)]
        forward, backward = closer[0] + tied[0] / (tied[1] + 1), closer[1] + tied[1] / (tied[0] + 1)
        result.append(
            forward if ends[0] < ends[1] else -backward if ends[0] > ends[1] else forward - backward
        )
    return np.array(result)


SETS = {  # all of few points, each hostile in one way
    "far clusters of near ties": lambda rng: (
        rng.integers(0, 2, (240, 1)) * 1e8 + rng.integers(-8, 9, (240, 3)) / 8
    ),
    "all points equally far": lambda rng: np.eye(240),
    "few different points": lambda rng: rng.normal(size=(6, 4))[rng.integers(0, 6, 240)],
}


@pytest.fixture(params=SETS)
def hostile(request):
    rng = np.random.default_rng(7)
    return SETS[request.param](rng), rng.integers(0, 3, 240)


@pytest.mark.parametrize("classes", [25, 60, 200])
def test_minima_by_class_of_tiles_with_many_classes(monkeypatch, classes):
    monkeypatch.setattr(operands, "TILE", 64)
    rng = np.random.default_rng(classes)
    x, y = (
        rng.normal(size=(420, 5)),
        np.concatenate([np.arange(classes), rng.integers(0, classes, 420 - classes)]),
    )
    points = sorted_points(x, y)
    spans = list(points.tiles(0, points.n))
    widest = max(points.codes[high - 1] - points.codes[low] for low, high in spans)
    assert (widest >= tiles._MANY_SEGMENTS) == (classes > 100)
    distances = own_distances(x)
    expected = least_by_class(distances, y, classes)
    found = class_minima(points)
    assert np.allclose(found, expected[points.order], rtol=1e-5)
    assert np.allclose(query_minima(among_others(points)), expected, rtol=1e-5)
    decided = nearest.nearest(among_others(points), found[points.positions(np.arange(points.n))])
    assert np.array_equal(decided.own, si_per_point(x, y))


def test_a_class_between_others_in_a_tile_may_be_absent(monkeypatch):
    monkeypatch.setattr(operands, "TILE", 32)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(96, 4)), rng.integers(0, 40, 96) * 3  # two of three class codes are never used
    points = sorted_points(x, y)
    expected = least_by_class(own_distances(x), y, points.classes)
    assert np.isinf(expected[:, 1]).all()
    assert np.allclose(class_minima(points), expected[points.order], rtol=1e-5)


def test_run_lengths_are_those_of_all_distances(hostile, taken):
    x, y = hostile
    counts = taken(nearest, "_below_and_band_double")
    points = sorted_points(x, y)
    search = among_others(points)
    own, other = nearest_distances(search, query_minima(search))
    assert np.allclose(run_lengths(search, own, other), runs(x, y))
    assert counts["_below_and_band_double"] > 0


def test_run_lengths_without_another_class_never_end(taken):
    counts = taken(nearest, "_below_and_band_double")
    x = np.eye(60)
    for y in (np.zeros(60, dtype=int), (np.arange(60) == 0).astype(int)):
        search = among_others(sorted_points(x, y))
        own, other = nearest_distances(search, query_minima(search))
        assert np.allclose(run_lengths(search, own, other), runs(x, y))
    assert runs(x, np.zeros(60))[0] == 59  # all others, and no end
    assert counts["_below_and_band_double"] > 0


@pytest.mark.parametrize("order", [1, 3, 20])
def test_neighbours_in_order_are_those_of_all_distances(hostile, taken, order):
    x, y = hostile
    counts = taken(candidates, "_scan_double")
    points = sorted_points(x, y)
    found = neighbours_in_order(among_others(points), order)
    distances = own_distances(x)
    expected = np.argsort(distances, axis=1, kind="stable")[:, :order]
    assert np.array_equal(found.indices, expected)
    assert np.array_equal(found.classes, y[expected])
    assert np.array_equal(found.squared_distances, np.take_along_axis(distances, expected, axis=1))
    last, same = found.squared_distances[:, -1:], y[:, None] == y
    assert np.array_equal(found.closer, (distances < last).sum(1))
    assert np.array_equal(found.closer_own, ((distances < last) & same).sum(1))
    assert np.array_equal(found.tied, (distances == last).sum(1))
    assert np.array_equal(found.tied_own, ((distances == last) & same).sum(1))
    if order == 1:
        assert counts["_scan_double"] > 0


def test_the_nearest_point_and_class_distances_are_those_of_all_distances(hostile, taken):
    x, y = hostile
    for name in ("_scan_double", "_groups"):
        counts = taken(candidates, name)
    points = sorted_points(x, y)
    search = among_others(points)
    minima = query_minima(search)
    found = nearest.nearest(search, minima)
    assert np.array_equal(found.own, si_per_point(x, y))
    assert np.array_equal(found.any_own, si_per_point(x, y, "optimistic"))
    assert np.array_equal(found.all_own, si_per_point(x, y, "pessimistic"))
    assert np.array_equal(found.first == y, si_per_point(x, y, "lowest-index"))
    distances, same = own_distances(x), y[:, None] == y
    own, other = nearest_distances(search, minima)
    assert np.array_equal(own, np.where(same, distances, np.inf).min(1))
    assert np.array_equal(other, np.where(~same, distances, np.inf).min(1))
    assert counts["_scan_double"] > 0
    assert counts["_groups"] > 0


def test_confusion_counts_the_tied_classes_of_every_query():
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 2, (150, 3)).astype(float), rng.integers(0, 4, 150)
    search = among_others(sorted_points(x, y))
    expected = np.zeros((4, 4))
    for i, row in enumerate(own_distances(x)):
        for tied in y[row == row.min()]:
            expected[y[i], tied] += 1 / (row == row.min()).sum()
    found = nearest.nearest(search, query_minima(search))
    assert np.allclose(found.confusion, expected)
    assert found.any_own.dtype == found.all_own.dtype == bool
    assert found.first.dtype == np.int64


@pytest.mark.parametrize("panel_rows", [70, 240])
@pytest.mark.parametrize("standardize", [False, True])
def test_a_part_of_the_points_in_memory_at_once_gives_the_same(monkeypatch, hostile, panel_rows, standardize):
    x, y = hostile
    monkeypatch.setattr(operands, "TILE", 48)
    monkeypatch.setattr(operands, "CHUNK", 2 if x.shape[1] < 10 else 100)
    points = sorted_points(x, y, standardize=standardize, panel_rows=panel_rows)
    assert len(points.panels()) == -(-240 // panel_rows)
    search = among_others(points)
    minima = class_minima(points)[search.rows]
    direct = points.exact(np.arange(240))
    if not standardize:
        assert np.array_equal(direct, x)
    distances = own_distances(direct)
    least = least_by_class(distances, y, 3)
    squares = np.square(direct - direct.mean(0)).sum(1)
    assert (np.abs(minima - least) <= 1e-5 * (squares[:, None] + squares.max())).all()
    assert np.array_equal(nearest.nearest(search, minima).own, si_per_point(direct, y))
    assert np.array_equal(
        neighbours_in_order(search, 4).indices, np.argsort(distances, axis=1, kind="stable")[:, :4]
    )


def test_pairs_that_many_queries_ask_for_are_evaluated_once_a_different_pair():
    rng = np.random.default_rng(5)
    few = rng.normal(size=(5, 700))
    x = few[rng.integers(0, 5, 500)]
    x[::7] *= -1.0
    x[:3] = 0.0
    x[1] *= -1.0  # -0.0 equals 0.0
    points = sorted_points(x, np.zeros(500, dtype=int))
    search = among_others(points)
    row, position = np.divmod(rng.integers(0, 500 * 500, 60_000), 500)
    found = candidates._evaluate(search, row, position)
    expected = squared_distances(x, x)[row, points.order[position]]
    assert np.array_equal(found, expected)
