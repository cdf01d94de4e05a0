"""Every bound on a rounding error holds, for every product that the model of rounding allows.

A product of two vectors of length k is anywhere within γ(k) Σ|x||y| of the exact one (Higham, section 3.1).
The products of this machine are far better than that, so that a bound that is too small would go unnoticed.
Here they are replaced by the worst ones that the model allows, on points that tie exactly, and each test
shows that it would fail if the bound were half as large.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from brute_force import own_distances, si_per_point
from prepared import among_others, matrix_of, sorted_points, with_themselves

from netlab.neighbours import candidates, class_means, nearest, operands
from netlab.neighbours.class_means import Means, nearest_class_means
from netlab.neighbours.matmul import MatrixProduct
from netlab.neighbours.matrix import FeatureMatrix
from netlab.neighbours.nearest import neighbours_in_order, run_lengths
from netlab.neighbours.operands import gamma, half_width
from netlab.neighbours.tiles import distance_rows, query_minima

SINGLE, DOUBLE = 2.0**-24, 2.0**-53
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
F = np.vectorize(Fraction, otypes=[object])


def worst_single(seed=0):
    """float32 products, each wrong by all that the model allows, up or down."""
    generator = torch.Generator().manual_seed(seed)

    def multiply(a, b):
        allowed = gamma(a.shape[1], SINGLE) * (a.double().abs() @ b.double().abs().T)
        signs = torch.randint(0, 2, allowed.shape, generator=generator) * 2 - 1
        return (a.double() @ b.double().T + 0.999 * signs * allowed).float()

    return MatrixProduct("worst", lambda a: a, multiply)


def worst_double(seed=0, norms=0.0):
    """float64 products likewise; ``norms`` is the share that errors of the squared norms add to theirs."""
    rng = np.random.default_rng(seed)

    def multiply(a, b):
        allowed = gamma(a.shape[1], DOUBLE) * (np.abs(a) @ np.abs(b).T)
        return a @ b.T + 0.999 * (1 + norms) * rng.choice([-1.0, 1.0], allowed.shape) * allowed

    return multiply


def tied_far_from_the_centre(n, d, away):
    """Two clusters, far from the common mean, whose points are all at squared distance 2 from one another."""
    x = np.zeros((n, d))
    x[:, 0] = np.where(np.arange(n) % 2, away, -away)
    x[np.arange(n), 1 + np.arange(n) // 2] = 1.0
    return x


@pytest.fixture
def worst(monkeypatch):
    monkeypatch.setattr(operands, "fastest_product", lambda device: worst_single())
    monkeypatch.setattr(class_means, "fastest_product", lambda device: worst_single())
    monkeypatch.setattr(candidates, "double_product", worst_double(norms=1.0))


def shrink(monkeypatch, module, name, factor):
    original = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args: factor * original(*args))


# -- nearest points -------------------------------------------------------------------------------


def decided(x, y):
    search = among_others(sorted_points(x, y))
    minima = query_minima(search)
    own, other = nearest.nearest_distances(search, minima)
    order = neighbours_in_order(search, 2)
    return (
        nearest.nearest(search, minima).own,
        own,
        other,
        order.indices,
        order.tied,
        run_lengths(search, own, other),
    )


def right(x, y, found):
    own, least_own, least_other, indices, tied, runs = found
    distances, same = own_distances(x), y[:, None] == y
    expected = np.argsort(distances, axis=1, kind="stable")[:, :2]
    same_and_tied = (distances == distances.min(1)[:, None]) & same
    ties = (distances == distances.min(1)[:, None]).sum(1)
    mine = same_and_tied.sum(1)
    return (
        np.array_equal(own, si_per_point(x, y))
        and np.array_equal(least_own, np.where(same, distances, np.inf).min(1))
        and np.array_equal(least_other, np.where(~same, distances, np.inf).min(1))
        and np.array_equal(indices, expected)
        and np.array_equal(tied, ties)
        and np.allclose(runs, mine / (ties - mine + 1) - (ties - mine) / (mine + 1))
    )


FEW_A_CLASS = np.arange(100) // 2 % 25  # two points of a class in each cluster


def goes_wrong(x, y):
    try:
        return not right(x, y, decided(x, y))
    except IndexError:  # no candidate is left
        return True


def test_the_bound_of_float32_products_holds_for_the_worst_ones_and_is_needed(monkeypatch, worst):
    x = tied_far_from_the_centre(100, 60, away=64.0)
    monkeypatch.setattr(candidates, "too_many", lambda queries, order: np.inf)
    monkeypatch.setattr(nearest, "too_many", lambda queries, order: np.inf)
    assert right(x, FEW_A_CLASS, decided(x, FEW_A_CLASS))
    for module in (nearest, operands):
        with monkeypatch.context() as smaller:
            shrink(smaller, module, "half_width", 0.5)
            assert goes_wrong(x, FEW_A_CLASS)


def test_the_bound_of_float64_products_holds_for_the_worst_ones_and_is_needed(monkeypatch, worst):
    x = tied_far_from_the_centre(100, 600, away=4096.0)
    monkeypatch.setattr(candidates, "too_many", lambda queries, order: 0)
    monkeypatch.setattr(nearest, "too_many", lambda queries, order: 0)
    assert right(x, FEW_A_CLASS, decided(x, FEW_A_CLASS))
    for module in (candidates, nearest):
        with monkeypatch.context() as smaller:
            shrink(smaller, module, "half_width_double", 0.5)
            assert goes_wrong(x, FEW_A_CLASS)


def hostile_sets():
    """Names and features (40, 30)."""
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(40, 30))
    yield "offset", (normal + 1e4).astype(np.float32)
    yield "large offset", normal + 1e9
    yield "mixed scales", normal * 2.0 ** rng.integers(-30, 30, 30)
    yield "near ties", np.where(rng.random((40, 30)) < 0.5, 1.0, 1.0 + 2.0**-20)
    yield "duplicates", normal[rng.integers(0, 4, 40)]
    yield "subnormal in float32", normal * 2.0**-70
    yield "one far point", np.concatenate([normal[1:], normal[:1] * 1e7])


@pytest.mark.parametrize(("kind", "x"), list(hostile_sets()))
@pytest.mark.parametrize("standardize", [False, True])
def test_computed_distances_are_within_their_bounds_of_the_exact_ones(
    monkeypatch, worst, kind, x, standardize
):
    monkeypatch.setattr(operands, "CHUNK", 7)
    points = sorted_points(x, np.arange(40) % 3, standardize=standardize)
    values = F(points.exact(points.order))
    search = with_themselves(points)
    exact = np.array([[((a - b) ** 2).sum() for b in values] for a in values])
    ((_, tile),) = distance_rows(search)
    squares = points.squares[:, None]
    for distance in (exact.astype(float), tile.numpy().astype(float)):
        width = half_width(distance, squares, points.squares, points.epsilon, points.alpha)
        assert (abs(F(tile.numpy().astype(float)) - exact) <= F(width)).all()
    ((_, tile, squares),) = candidates.double_rows(search)
    width = candidates.half_width_double(points, exact.astype(float), squares[:, None])
    assert (abs(F(tile) - exact) <= F(width)).all()


def test_the_bound_is_the_one_that_is_derived(monkeypatch):
    monkeypatch.setattr(operands, "CHUNK", 16)
    for d, length in ((5, 5 + 1), (16, 16 + 1), (50, 16 + 4)):  # a chunk's columns, and the chunks
        points = sorted_points(np.eye(8, d), np.arange(8) % 2)
        u = Fraction(1, 2**24)
        k = length + 4
        assert points.epsilon == pytest.approx(float(3 * k * u / (1 - k * u) + 24 * u), rel=1e-12)
        assert points.alpha == (d + 8) * 2.0**-116
        k, u = d + 8, Fraction(1, 2**53)
        epsilon = float(3 * k * u / (1 - k * u) + 32 * u)
        width = candidates.half_width_double(points, np.array([np.inf]), np.array([2.0]))
        assert width == pytest.approx(epsilon * (2 + points.greatest.max()), rel=0.011)
        assert width >= epsilon * (2 + points.greatest.max())
        q, q_max, distance = np.array([2.0]), 1e6, np.array([3.0])
        # |b| <= |a| + |a - b|: the nearest point is not far from this one, whatever q_max is.
        close = half_width(distance, q, q_max, 1e-7, 0.0)
        assert close == pytest.approx(1e-7 * (2 + (2**0.5 + 3**0.5) ** 2), rel=0.1)
        assert close >= 1e-7 * (2 + (2**0.5 + 3**0.5) ** 2)
        assert half_width(distance, q, 1.0, 1e-7, 0.0) == pytest.approx(1e-7 * 3, rel=0.02)
        assert half_width(distance, q, 1.0, 1e-7, 1.0) == pytest.approx(1.0, rel=0.02)
        assert half_width(distance, q, 1.0, 1e-7, 1.0) >= 1 + 3e-7
        # ... as far away as the error of the computed distance allows
        farthest = 1e-7 * (2 + 1e12) + 1
        seeming = half_width(np.array([-3.0]), q, 1e12, 1e-7, 1.0)
        assert seeming == pytest.approx(1e-7 * (2 + (2**0.5 + farthest**0.5) ** 2) + 1, rel=0.03)
        assert seeming >= 1e-7 * (2 + (2**0.5 + farthest**0.5) ** 2) + 1
        nothing = sorted_points(np.zeros((8, d)), np.arange(8) % 2)
        assert candidates.half_width_double(nothing, np.zeros(1), np.zeros(1)) >= (d + 8) * 2.0**-1000


def test_ordinary_points_are_decided_by_float32():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(600, 40)), rng.integers(0, 4, 600)
    search = among_others(sorted_points(x, y))
    assert nearest.nearest(search, query_minima(search)).decided_again < 30
    rows = np.arange(600)
    assert nearest_class_means(matrix_of(x), rows, y, matrix_of(x), y, 4).decided_again < 30


# -- class means ----------------------------------------------------------------------------------


def exact_mean(x, rows):
    return F(x[rows]).sum(axis=0) / len(rows)


def length_of(vector):
    return float(sum(value * value for value in vector)) ** 0.5


@pytest.mark.parametrize(("kind", "x"), list(hostile_sets()))
@pytest.mark.parametrize("standardize", [False, True])
def test_class_means_are_within_their_bound_of_the_exact_ones(kind, x, standardize):
    matrix, codes = matrix_of(x, standardize), np.repeat([0, 1, 3], [1, 9, 30])
    values = matrix.exact(np.arange(40))
    means = class_means.class_means(matrix, codes, 4)
    assert np.isnan(means.values[2]).all()
    for k in (0, 1, 3):
        difference = F(means.values[k]) - exact_mean(values, np.flatnonzero(codes == k))
        assert length_of(difference) <= means.error[k]


def test_the_bound_of_a_class_mean_holds_for_the_worst_sums_and_is_needed(monkeypatch):
    sums = class_means.column_sums

    def worst_sums(blocks):
        (block,) = blocks
        return sums([block]) + 0.999 * gamma(len(block), DOUBLE) * sums([block.abs()])

    monkeypatch.setattr(class_means, "column_sums", worst_sums)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 3)) * [1.0, 1e3, 1e6]
    means = class_means.class_means(matrix_of(x), np.zeros(400, dtype=int), 1)
    away = length_of(F(means.values[0]) - exact_mean(x, np.arange(400)))
    assert 0.5 * means.error[0] < away <= means.error[0]


def test_the_rounding_of_a_far_class_mean_itself_is_in_its_bound():
    x = np.array([[1e15 + 0.5], [1e15 + 0.375], [1e15]])  # the sum of differences is exact, the mean rounded
    means = class_means.class_means(matrix_of(x), np.zeros(3, dtype=int), 1)
    away = length_of(F(means.values[0]) - exact_mean(x, np.arange(3)))
    assert 0.1 * DOUBLE * 1e15 < away <= means.error[0] < 20 * DOUBLE * 1e15


STAGES = {
    "single": lambda matrix, rows, means: class_means._relative_single(matrix, rows, means, None),
    "double": class_means._relative_double,
    "differences": class_means._differences,
}


def relative_error(stage, matrix, means, truth):
    """Distances to ``truth``, computed with ``means``: how wrong, and what is allowed; (n, classes)."""
    rows = np.arange(matrix.n)
    found = STAGES[stage](matrix, rows, means)
    values = F(matrix.exact(rows))
    exact = np.array([[((a - b) ** 2).sum() for b in F(truth)] for a in values])
    whole = F(found.value) + F(found.square)[:, None]
    difference = whole - exact
    # |x - o|² is the same for all classes; what is compared is the rest.
    common = difference.mean(axis=1)[:, None] if stage != "differences" else 0
    return abs(difference - common).astype(float), found.width


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("kind", "x"), list(hostile_sets()))
@pytest.mark.parametrize("standardize", [False, True])
def test_distances_to_class_means_are_within_their_bounds(monkeypatch, worst, stage, kind, x, standardize):
    monkeypatch.setattr(class_means, "CHUNK", 11)
    monkeypatch.setattr(class_means, "double_product", worst_double())
    matrix, codes = matrix_of(x, standardize), np.arange(40) % 2
    means = class_means.class_means(matrix, codes, 2)
    truth = [exact_mean(matrix.exact(np.arange(40)), np.flatnonzero(codes == k)) for k in range(2)]
    wrong, width = relative_error(stage, matrix, means, np.array(truth))
    allowed = width if stage == "differences" else width.mean(axis=1)[:, None]
    assert (wrong <= allowed).all()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("error", [1e-3, 1.0, 100.0])
def test_an_error_of_the_class_means_is_in_the_bound_of_the_distances(stage, error):
    x, across = np.linspace(-2000.0, 2000.0, 30), np.array([1.0, -1.0])
    matrix = matrix_of(np.stack([x, np.zeros(30)], axis=1))
    truth, moved = (np.stack([at * across, np.zeros(2)], axis=1) for at in (20.0, 20.0 + error))
    wrong, width = relative_error(stage, matrix, Means(moved, np.full(2, error)), truth)
    allowed = width if stage == "differences" else width.mean(axis=1)[:, None]
    assert (wrong <= allowed).all()
    assert wrong.max() > 0.7 * width.max()


def tied_means(d, away):
    """Queries equally far from two class means, along every coordinate of both: (x, means)."""
    across = np.where(np.arange(d) % 2, 1.0, -1.0)
    return np.full((60, d), away) * np.arange(1, 61)[:, None] / 64, np.stack([across, -across])


@pytest.mark.parametrize("stage", ["single", "double"])
def test_the_bound_of_products_with_class_means_holds_for_the_worst_ones_and_is_needed(
    monkeypatch, worst, stage
):
    monkeypatch.setattr(class_means, "CHUNK", 512)
    monkeypatch.setattr(class_means, "double_product", worst_double())
    x, means = tied_means(400, away=64.0 if stage == "single" else 2.0**20)
    rows, codes = np.arange(60), np.arange(60) % 2
    if stage == "double":  # float32 says nothing
        monkeypatch.setattr(class_means, "_relative_single", undecided)

    def found():
        return nearest_class_means(matrix_of(x), rows, codes, matrix_of(means), np.arange(2), 2)

    assert (found().own == 0.5).all()
    original = getattr(class_means, f"_relative_{stage}")

    def half(*args):
        relative = original(*args)
        return class_means._Relative(relative.value, 0.5 * relative.width, relative.square)

    monkeypatch.setattr(class_means, f"_relative_{stage}", half)
    assert (found().own != 0.5).any()


def undecided(matrix, rows, means, progress):
    shape = len(rows), len(means.values)
    return class_means._Relative(np.zeros(shape), np.full(shape, np.inf), np.zeros(len(rows)))


def test_leaving_one_out_takes_the_error_of_the_whole_distance_into_account(monkeypatch, worst):
    # A far class of two, whose mean without the point is as near to it as the other class's mean, exactly.
    x = np.array([[4096.0, 0.0], [4098.0, 0.0], [4096.0, 2.0], [4096.0, 2.0], [-12286.0, 0.0]])
    y = np.array([0, 0, 1, 1, 2])
    found = nearest_class_means(FeatureMatrix(x), np.arange(5), y, FeatureMatrix(x), y, 3, leave_one_out=True)
    assert found.own[0] == 0.5
    assert found.own[4] == 0  # alone in its class


def test_a_point_without_any_class_mean_is_nearest_to_none():
    x, y = np.ones((1, 3)), np.zeros(1, dtype=int)
    found = nearest_class_means(FeatureMatrix(x), y, y, FeatureMatrix(x), y, 1, leave_one_out=True)
    assert found.first.tolist() == [-1]
    assert found.own.tolist() == [0]


@pytest.mark.parametrize(
    ("stage", "length", "u"), [("single", 16 + 4 + 4, SINGLE), ("double", 50 + 8, DOUBLE)]
)
def test_the_bound_of_products_with_class_means_is_the_one_that_is_derived(monkeypatch, stage, length, u):
    monkeypatch.setattr(class_means, "CHUNK", 16)  # four chunks of 50 columns
    x, means = np.random.default_rng(5).normal(size=(2, 20, 50))
    means -= means.mean(axis=0)
    found = STAGES[stage](matrix_of(x), np.arange(20), Means(means, np.zeros(20)))
    lengths = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(means, axis=1)
    expected = (2 * gamma(length, u) + 12 * u) * lengths
    assert np.allclose(found.width, expected, rtol=0.02)
    assert (found.width >= expected).all()


def test_float64_differences_decide_within_gamma_of_the_distance():
    x = np.random.default_rng(4).normal(size=(20, 50))
    means = Means(np.zeros((1, 50)), np.zeros(1))
    found = class_means._differences(matrix_of(x), np.arange(20), means)
    assert np.allclose(found.width[:, 0], gamma(56, DOUBLE) * np.square(x).sum(1), rtol=0.02)
    assert (found.width[:, 0] >= gamma(56, DOUBLE) * found.value[:, 0]).all()
