"""The kernel equals a direct float64 computation, on ordinary and on hostile data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from brute_force import csi_per_point, own_distances, si_per_point, squared_distances
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.separability import FeatureSpace

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

KINDS = (
    "normal", "grid", "offset", "duplicates", "constant", "far clusters", "huge", "subnormal",
    "huge float64", "tiny float64", "uint8", "one-hot", "wide range",
)  # fmt: skip


def hostile(kind, n, d, seed):
    rng = np.random.default_rng(seed)
    normal, grid = rng.normal(size=(n, d)), rng.integers(-8, 9, (n, d))
    return {
        "normal": normal,
        "grid": rng.integers(-2, 3, (n, d)).astype(np.float32),
        "offset": (normal + 1e4).astype(np.float32),
        "duplicates": normal[rng.integers(0, max(1, n // 2), n)],
        "constant": np.ones((n, d), dtype=np.float32),
        "far clusters": rng.integers(0, 2, (n, 1)) * 1e8 + grid / 8,
        "huge": (grid * 2.0**120).astype(np.float32),
        "subnormal": (grid * 2.0**-146).astype(np.float32),
        "huge float64": grid * 2.0**500,
        "tiny float64": grid * 2.0**-500,
        "uint8": rng.integers(0, 256, (n, d)).astype(np.uint8),
        "one-hot": np.eye(n, d, dtype=np.float32),
        "wide range": normal * 2.0 ** rng.integers(-40, 40, (1, d)),
    }[kind]


sets = st.builds(
    lambda kind, n, d, k, seed, unequal: (
        hostile(kind, n, d, seed),
        np.minimum(np.random.default_rng(seed + 1).integers(0, k, n), k - 1 if not unequal else 1),
    ),
    st.sampled_from(KINDS),
    st.integers(2, 60),
    st.integers(1, 40),
    st.integers(1, 6),
    st.integers(0, 2**20),
    st.booleans(),
)
thorough = settings(max_examples=80, deadline=None)


def to_ordinary_range(x):
    """Times a power of two: exact, and no comparison of distances changes."""
    x = np.asarray(x, dtype=np.float64)
    largest = np.abs(x).max()
    return np.ldexp(x, -int(np.frexp(largest)[1])) if largest > 2.0**100 or 0 < largest < 2.0**-100 else x


@thorough
@given(sets)
def test_nearest_neighbours_are_those_of_float64(data):
    x, y = data
    found, x = FeatureSpace(x, y).neighbours.nearest, to_ordinary_range(x)
    assert np.array_equal(found.own, si_per_point(x, y))
    assert np.array_equal(found.any_own, si_per_point(x, y, "optimistic"))
    assert np.array_equal(found.all_own, si_per_point(x, y, "pessimistic"))
    first = np.unique(y)[found.first] == y
    assert np.array_equal(first, si_per_point(x, y, "lowest-index"))
    assert found.confusion.sum() == pytest.approx(len(y))
    assert np.trace(found.confusion) == pytest.approx(found.own.sum())


@settings(max_examples=30, deadline=None)
@given(sets)
def test_class_means_are_those_of_exact_arithmetic(data):
    x, y = data
    space = FeatureSpace(x, y)
    assert np.allclose(space.class_means.nearest.own, csi_per_point(x, y))
    assert np.allclose(space.class_means.nearest_leave_one_out.own, csi_per_point(x, y, leave_one_out=True))


@thorough
@given(sets, st.integers(1, 8))
def test_neighbours_in_order_and_their_distances_are_those_of_float64(data, order):
    x, y = data
    order = min(order, len(y) - 1)
    space = FeatureSpace(x, y)
    distances = own_distances(np.ldexp(np.asarray(x, dtype=np.float64), space.exponent))
    found = space.neighbours.in_order(order)
    expected = np.argsort(distances, axis=1, kind="stable")[:, :order]
    assert np.array_equal(found.indices, expected)
    last = np.take_along_axis(distances, expected[:, -1:], axis=1)
    same = y[:, None] == y
    assert np.array_equal(found.squared_distances, np.take_along_axis(distances, expected, axis=1))
    assert np.array_equal(found.closer, (distances < last).sum(1))
    assert np.array_equal(found.closer_own, ((distances < last) & same).sum(1))
    assert np.array_equal(found.tied, (distances == last).sum(1))
    assert np.array_equal(found.tied_own, ((distances == last) & same).sum(1))


@thorough
@given(sets)
def test_distances_to_own_and_other_classes_are_those_of_float64(data):
    x, y = data
    space = FeatureSpace(x, y)
    own, other = space.neighbours.nearest_distances
    distances = own_distances(np.ldexp(np.asarray(x, dtype=np.float64), space.exponent))
    same = y[:, None] == y
    assert np.array_equal(own, np.where(same, distances, np.inf).min(1))
    assert np.array_equal(other, np.where(~same, distances, np.inf).min(1))


@settings(max_examples=40, deadline=None)
@given(sets, st.integers(0, 2**20))
def test_order_of_points_and_names_of_labels_change_nothing(data, seed):
    x, y = data
    order = np.random.default_rng(seed).permutation(len(y))
    before, after = FeatureSpace(x, y), FeatureSpace(x[order], [f"class {5 - k}" for k in y[order]])
    assert np.array_equal(before.neighbours.nearest.own[order], after.neighbours.nearest.own)
    assert np.array_equal(before.class_means.nearest.own[order], after.class_means.nearest.own)
    assert np.array_equal(
        before.class_means.nearest_leave_one_out.own[order], after.class_means.nearest_leave_one_out.own
    )


@thorough
@given(sets, st.integers(1, 20), st.integers(0, 2**20))
def test_points_across_two_sets(data, m, seed):
    x, y = data
    rng = np.random.default_rng(seed)
    pick = rng.integers(0, len(y), max(2, m))
    queries, labels = x[pick].copy(), y[pick]
    moved = rng.random(len(pick)) < 0.5
    queries[moved] = x[rng.integers(0, len(y), moved.sum())]
    reference = FeatureSpace(x, y)
    found = FeatureSpace(queries, labels, reference=reference).neighbours.nearest_reference
    both = to_ordinary_range(np.concatenate([queries, x]))
    for i, row in enumerate(squared_distances(both[: len(queries)], both[len(queries) :])):
        assert found.own[i] == (y[row == row.min()] == labels[i]).mean()


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_many_tiles_chunks_and_classes(monkeypatch, standardize, dtype):
    monkeypatch.setattr("netlab.neighbours.operands.TILE", 64)
    monkeypatch.setattr("netlab.neighbours.operands.CHUNK", 37)
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(700, 90)) * 9 + 100).astype(dtype)
    for classes in (2, 7, 150):
        y = rng.integers(0, classes, 700)
        space = FeatureSpace(x, y, standardize=standardize)
        direct = np.asarray(x, dtype=np.float64)
        if standardize:
            direct = (direct - direct.mean(0)) / direct.std(0)
        assert np.array_equal(space.neighbours.nearest.own, si_per_point(direct, y))
        present = np.unique(y)
        means = np.stack([direct[y == k].mean(0) for k in present])
        csi = present[squared_distances(direct, means).argmin(1)] == y
        assert np.array_equal(space.class_means.nearest.own, csi)


def test_a_budget_below_the_sorted_copy_gives_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr("netlab.neighbours.operands._FIXED", 0)
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(600, 500)).astype(np.float32), rng.integers(0, 5, 600)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    small = FeatureSpace(mapped, y, memory=500_000)
    assert len(small._sets.sorted.panels()) > 2
    whole = FeatureSpace(x, y)
    assert np.array_equal(small.neighbours.nearest.own, whole.neighbours.nearest.own)
    assert np.array_equal(small.neighbours.in_order(3).indices, whole.neighbours.in_order(3).indices)
    assert np.array_equal(small.neighbours.nearest_distances, whole.neighbours.nearest_distances)
    with pytest.raises(ValueError, match=r"at least \d+ MiB are needed"):
        _ = FeatureSpace(mapped, y, memory=1000).neighbours.nearest


def test_modes_that_round_operands_do_not_reach_the_kernel():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(300, 64)).astype(np.float32) + 3, rng.integers(0, 3, 300)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            space = FeatureSpace(torch.from_numpy(x), y)
            assert np.array_equal(space.neighbours.nearest.own, si_per_point(x, y))
            assert np.array_equal(
                space.neighbours.in_order(1).classes[:, 0] == space.codes, si_per_point(x, y)
            )
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_the_bound_holds_for_every_pair():
    from netlab.neighbours.operands import half_width
    from netlab.neighbours.search import Search
    from netlab.neighbours.tiles import distance_rows

    rng = np.random.default_rng(4)
    x = (rng.normal(size=(200, 3000)) ** 3 + rng.normal(size=3000) * 50).astype(np.float32)
    space = FeatureSpace(x, rng.integers(0, 3, 200))
    points = space._sets.sorted
    exact = squared_distances(x[points.order], x[points.order])
    for part, tile in distance_rows(Search(points, np.arange(200), points, False)):
        q = points.squares[part][:, None]
        width = half_width(exact[part], q, points.squares, points.epsilon, points.alpha)
        error = np.abs(tile.numpy() - exact[part])
        assert (error <= width).all()
        assert error.max() > 0  # float32 does round: the bound is put to the test


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_same():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(3000, 500)).astype(np.float32), rng.integers(0, 9, 3000)
    here, there = FeatureSpace(x, y), FeatureSpace(torch.from_numpy(x).cuda(), y)
    assert np.array_equal(here.neighbours.nearest.own, there.neighbours.nearest.own)
    assert np.array_equal(here.class_means.nearest.own, there.class_means.nearest.own)
    assert np.array_equal(here.neighbours.in_order(4).indices, there.neighbours.in_order(4).indices)
