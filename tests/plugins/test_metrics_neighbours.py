"""Metrics of nearest neighbours against their definitions, written down directly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from brute_force import (
    csi_per_point,
    over_tie_orders,
    own_distances,
    si_per_point,
    signed_run,
    squared_distances,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from netlab_builtin.metrics import cross, csi, data_score, margin, n2, orders, si
from netlab_builtin.metrics.confusion import confusion
from netlab_builtin.metrics.options import CentresOptions, OrderOptions, TiesOptions

from netlab.separability import FeatureSpace

GOLDEN = Path(__file__).parents[2].parent / "shared" / "golden" / "separation_toy.json"
quick = settings(max_examples=40, deadline=None)
small_grids = st.builds(
    lambda n, d, k, seed: (
        np.random.default_rng(seed).integers(-1, 2, (n, d)),
        np.random.default_rng(seed + 1).integers(0, k, n),
    ),
    st.integers(2, 6), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**20),
)  # fmt: skip
STATISTICS = {
    orders.high_order_si: lambda flags: all(flags),
    orders.soft_si: lambda flags: np.mean(flags),
    orders.anti_si: lambda flags: not any(flags),
}


def blobs(n=120, d=6, k=4, seed=0, spread=1.5):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    return rng.normal(size=(k, d))[y] * spread + rng.normal(size=(n, d)), y


@quick
@given(small_grids, st.integers(1, 5))
def test_orders_are_the_mean_over_all_orders_of_tied_points(data, order):
    x, y = data
    order = min(order, len(y) - 1)
    space = FeatureSpace(x, y)
    for metric, statistic in STATISTICS.items():
        result = metric(space, options=OrderOptions(order=order))
        assert np.allclose(result.per_point, over_tie_orders(x, y, order, statistic))


@quick
@given(small_grids)
def test_data_score_is_the_mean_run_over_all_orders_of_tied_points(data):
    x, y = data
    result = data_score.data_score(FeatureSpace(x, y), options=None)
    assert np.allclose(result.per_point, over_tie_orders(x, y, None, signed_run))


@pytest.mark.parametrize("ties", ["fractional", "optimistic", "pessimistic", "lowest-index"])
def test_si_counts_ties_by_the_rule_chosen(ties):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 3, (80, 3)), rng.integers(0, 3, 80)
    result = si.separation_index(FeatureSpace(x, y), options=TiesOptions(ties=ties))
    assert np.array_equal(result.per_point, si_per_point(x, y, ties))
    assert result.extra["mixed_ties"] > 0


def test_si_gives_class_values_standard_error_balance_and_chance():
    x, y = blobs(n=90, k=3)
    y = np.where(np.arange(90) < 60, 0, y)
    space = FeatureSpace(x, y, class_names=["cat", "dog", "frog"])
    result = si.separation_index(space, options=TiesOptions())
    points = si_per_point(x, y)
    by_class = {name: points[y == k].mean() for k, name in enumerate(["cat", "dog", "frog"])}
    assert result.per_class == pytest.approx(by_class)
    assert result.extra["balanced"] == pytest.approx(np.mean(list(by_class.values())))
    effect = space.halves.design_effect(space.halves.own_neighbours(1)[..., 0])
    assert result.standard_error == pytest.approx(points.std(ddof=1) * np.sqrt(effect / 90))
    counts = np.bincount(y)
    chance = (counts * (counts - 1)).sum() / (90 * 89)
    assert result.extra["chance_adjusted"] == pytest.approx((points.mean() - chance) / (1 - chance))


def test_chance_adjusted_si_of_random_labels_is_about_zero():
    rng = np.random.default_rng(1)
    result = si.separation_index(
        FeatureSpace(rng.normal(size=(2000, 3)), rng.choice(3, 2000, p=[0.7, 0.2, 0.1])),
        options=TiesOptions(),
    )
    assert abs(result.extra["chance_adjusted"]) < 0.05


def test_a_point_alone_in_its_class_counts_zero_and_is_named():
    result = si.separation_index(FeatureSpace([[0.0], [0.1], [5.0]], ["a", "a", "b"]), options=TiesOptions())
    assert result.per_class == {"a": 1.0, "b": 0.0}
    assert any("single point" in note and "b" in note for note in result.notes)


def test_csi_is_optimistic_on_random_labels_and_says_so_but_leave_one_out_is_not():
    rng = np.random.default_rng(2)
    space = FeatureSpace(rng.normal(size=(200, 2000)).astype(np.float32), rng.integers(0, 10, 200))
    plain = csi.centre_separation_index(space, options=CentresOptions())
    honest = csi.centre_separation_index_loo(space, options=CentresOptions())
    assert plain.value > 0.95
    assert any("csi-loo" in note for note in plain.notes)
    assert honest.value < 0.25


@pytest.mark.parametrize("metric", [csi.centre_separation_index, csi.centre_separation_index_loo])
def test_the_chance_of_csi_is_the_mean_over_orders_of_the_labels(metric):
    x, y = blobs(n=40, d=3, spread=0.7)
    y[0] = 7  # alone in its class
    found = metric(FeatureSpace(x, y), options=CentresOptions(permutations=12))
    codes, rng = np.unique(y, return_inverse=True)[1], np.random.default_rng(0)
    alone = metric is csi.centre_separation_index_loo
    values = [csi_per_point(x, rng.permutation(codes), leave_one_out=alone).mean() for _ in range(12)]
    extra = found.extra
    assert extra["chance"] == pytest.approx(np.mean(values))
    assert extra["chance_error"] == pytest.approx(np.std(values, ddof=1) / np.sqrt(12))
    assert extra["chance_p"] == (1 + np.sum(np.array(values) >= found.value)) / 13
    assert extra["chance_adjusted"] == pytest.approx((found.value - np.mean(values)) / (1 - np.mean(values)))
    assert "chance" not in metric(FeatureSpace(x, y), options=CentresOptions()).extra


def test_few_permutations_at_once_give_the_same_chance(monkeypatch):
    space = FeatureSpace(*blobs(n=60, d=4, spread=0.7))
    options = CentresOptions(permutations=7)
    expected = csi.centre_separation_index_loo(space, options=options).extra
    monkeypatch.setattr(csi, "_MEANS_BYTES", 2 * 8 * 4 * len(space.class_names))
    assert csi.centre_separation_index_loo(space, options=options).extra == expected


@pytest.mark.parametrize(("counts", "chance"), [([10] * 10, 0.016), ([50] + [5] * 10, 0.50)])
def test_csi_loo_is_not_chance_on_random_labels_but_its_adjusted_value_is_0(counts, chance):
    rng = np.random.default_rng(3)
    x, labels = rng.normal(size=(100, 4096)).astype(np.float32), np.repeat(np.arange(len(counts)), counts)
    adjusted, errors, found = [], [], []
    for _ in range(8):
        space = FeatureSpace(x, rng.permutation(labels))
        result = csi.centre_separation_index_loo(space, options=CentresOptions(permutations=20))
        found.append(result.value)
        adjusted.append(result.extra["chance_adjusted"])
        errors.append(result.extra["chance_adjusted_error"])
    assert np.mean(found) == pytest.approx(chance, abs=0.02)
    assert (np.abs(adjusted) < 3 * np.array(errors) + 0.01).all()
    assert abs(np.mean(adjusted)) < 0.02


def test_csi_is_its_formula_with_and_without_the_point_itself():
    x, y = blobs(n=40, d=3, spread=0.7)
    space = FeatureSpace(x, y)
    assert np.allclose(
        csi.centre_separation_index(space, options=CentresOptions()).per_point, csi_per_point(x, y)
    )
    loo = csi.centre_separation_index_loo(space, options=CentresOptions()).per_point
    assert np.allclose(loo, csi_per_point(x, y, leave_one_out=True))


def test_cross_metrics_are_the_accuracy_of_nearest_neighbour_and_nearest_centroid_classifiers():
    from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

    x, y = blobs(seed=3)
    train = FeatureSpace(x[:80], y[:80])
    test = FeatureSpace(x[80:], y[80:], reference=train)
    one = KNeighborsClassifier(1).fit(x[:80], y[:80]).score(x[80:], y[80:])
    assert cross.cross_si(test, options=TiesOptions()).value == pytest.approx(one)
    mean = NearestCentroid().fit(x[:80], y[:80]).score(x[80:], y[80:])
    assert cross.cross_csi(test, options=None).value == pytest.approx(mean)


def test_cross_metrics_need_reference_points_and_note_unknown_labels():
    x, y = blobs()
    with pytest.raises(ValueError, match="reference features and labels"):
        cross.cross_si(FeatureSpace(x, y), options=TiesOptions())
    test = FeatureSpace(x[:10], ["new"] * 10, reference=FeatureSpace(x, [f"k{v}" for v in y]))
    for metric in (cross.cross_si, cross.cross_csi):
        result = metric(test, options=TiesOptions())
        assert result.value == 0
        assert "new" in result.notes[0]


def test_margin_and_n2_are_their_formulas():
    x, y = blobs(seed=4)
    distances, same = np.sqrt(own_distances(x)), y[:, None] == y
    own, other = np.where(same, distances, np.inf).min(1), np.where(~same, distances, np.inf).min(1)
    result = margin.margin(FeatureSpace(x, y), options=None)
    assert np.allclose(result.per_point, other - own)
    assert result.value == pytest.approx((other - own).mean())
    assert result.extra["quantiles"]["0.5"] == pytest.approx(np.median(other - own))
    assert result.extra["positive"] == pytest.approx(si_per_point(x, y).mean())
    ratio = own.sum() / other.sum()
    found = n2.n2(FeatureSpace(x, y), options=None)
    assert found.extra["ratio"] == pytest.approx(ratio)
    assert found.value == pytest.approx(ratio / (1 + ratio))


def test_margin_of_exact_duplicates_is_exact():
    x = np.array([[1e4, 3.0], [1e4, 3.0], [1e4, 3.0 + 2**-9], [0.0, 0.0]], dtype=np.float32)
    result = margin.margin(FeatureSpace(x, [0, 1, 1, 0]), options=None)
    assert result.per_point[1] == -(2**-9)
    with pytest.raises(ValueError, match="two classes"):
        margin.margin(FeatureSpace(x, [0, 0, 0, 0]), options=None)


def test_confusion_shares_ties_and_names_the_class_that_is_nearest_instead():
    x = [[0.0], [1.0], [1.0], [2.0], [2.1]]
    result = confusion(FeatureSpace(x, ["a", "a", "b", "c", "c"]), options=None)
    assert result.extra["classes"] == ["a", "b", "c"]
    assert result.extra["matrix"] == [[0.25, 0.75, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert result.extra["nearest_instead"]["b"] == {"a": 1.0}
    assert result.value == pytest.approx(1 - si_per_point(x, list("aabcc")).mean())


def test_order_not_below_the_number_of_points_is_an_error():
    with pytest.raises(ValueError, match="expected an order from 1 to 4"):
        orders.soft_si(FeatureSpace(np.eye(5), [0, 0, 1, 1, 1]), options=OrderOptions(order=5))


@pytest.mark.skipif(not GOLDEN.exists(), reason="the golden toy set is not beside the repository")
class TestGoldenToySet:
    @pytest.fixture(scope="class")
    @staticmethod
    def golden():
        return json.loads(GOLDEN.read_text())

    @pytest.fixture(scope="class")
    @staticmethod
    def space(golden):
        x = np.array(golden["inputs"]["data"], dtype=np.float32)
        return FeatureSpace(x, golden["inputs"]["label"])

    @pytest.mark.parametrize("ties", ["fractional", "optimistic", "pessimistic", "lowest-index"])
    def test_si(self, golden, space, ties):
        result = si.separation_index(space, options=TiesOptions(ties=ties))
        assert result.value == golden["exact"][f"si_{ties.replace('-', '_')}"]
        assert list(result.per_class.values()) == golden["exact"]["si_class"]

    def test_published_implementation_under_lowest_index(self, golden, space):
        reference, ties = golden["reference"], "lowest-index"
        result = si.separation_index(space, options=TiesOptions(ties=ties))
        assert result.value == pytest.approx(reference["si"], abs=1e-6)
        assert list(result.per_class.values()) == pytest.approx(reference["si_class"])
        centred = csi.centre_separation_index(space, options=CentresOptions())
        assert centred.value == pytest.approx(reference["center_si"], abs=1e-6)
        assert list(centred.per_class.values()) == pytest.approx(reference["center_si_class"])
        for name, metric in (
            ("high_order_si", orders.high_order_si),
            ("soft_order_si", orders.soft_si),
            ("anti_si", orders.anti_si),
        ):
            for order, value in reference[name].items():
                options = OrderOptions(order=int(order), ties=ties)
                assert metric(space, options=options).value == pytest.approx(value, abs=1e-6)
        scores = data_score.data_score(space, options=None).per_point
        assert scores.tolist() == reference["data_score_si_anti_si"]

    def test_published_implementation_on_standardized_features(self, golden):
        # It divides by the standard deviation with divisor n - 1; a common factor changes no neighbour.
        x = np.array(golden["inputs"]["data"], dtype=np.float32)
        space, reference = (
            FeatureSpace(x, golden["inputs"]["label"], standardize=True),
            golden["reference_normalized"],
        )
        ties = "lowest-index"
        assert si.separation_index(space, options=TiesOptions(ties=ties)).value == pytest.approx(
            reference["si"], abs=1e-6
        )
        assert csi.centre_separation_index(space, options=CentresOptions()).value == pytest.approx(
            reference["center_si"], abs=1e-6
        )
        for order, value in reference["high_order_si"].items():
            result = orders.high_order_si(space, options=OrderOptions(order=int(order), ties=ties))
            assert result.value == pytest.approx(value, abs=1e-6)

    @pytest.mark.parametrize("order", [1, 2, 3, 5, 10])
    def test_orders(self, golden, space, order):
        exact = golden["exact"][f"order_{order}"]
        for name, metric in (
            ("high", orders.high_order_si),
            ("soft", orders.soft_si),
            ("anti", orders.anti_si),
        ):
            lowest = metric(space, options=OrderOptions(order=order, ties="lowest-index")).value
            assert lowest == pytest.approx(exact[f"{name}_lowest_index"])
            low, high = exact[f"{name}_range"]
            assert low - 1e-12 <= metric(space, options=OrderOptions(order=order)).value <= high + 1e-12

    def test_the_rest(self, golden, space):
        exact = golden["exact"]
        assert csi.centre_separation_index(space, options=CentresOptions()).value == exact["center_si"]
        assert data_score.data_score(space, options=None).per_point.tolist() == exact["data_score"]
        test = FeatureSpace(
            np.array(golden["inputs"]["data_test"], dtype=np.float32),
            golden["inputs"]["label_test"],
            reference=space,
        )
        result = cross.cross_si(test, options=TiesOptions(ties="lowest-index"))
        assert result.value == pytest.approx(golden["cross"]["cross_si"], abs=1e-6)
        assert list(result.per_class.values()) == pytest.approx(golden["cross"]["cross_si_class"])


def test_sampled_queries_are_measured_against_all_points_and_are_unbiased():
    x, y = blobs(n=300, seed=5)
    full = si_per_point(x, y)
    estimates, errors = [], []
    for seed in range(60):
        space = FeatureSpace(x, y, sample_queries=60, seed=seed)
        result = si.separation_index(space, options=TiesOptions())
        assert np.array_equal(result.per_point[space.queries], full[space.queries])
        assert np.isnan(result.per_point).sum() == 240
        estimates.append(result.value)
        errors.append(result.standard_error)
    assert np.mean(estimates) == pytest.approx(full.mean(), abs=3 * np.std(estimates) / np.sqrt(60))
    # The errors are those of other points too, not of other queries alone.
    effect = space.halves.design_effect(space.halves.own_neighbours(1)[..., 0])
    of_queries = np.square(np.std(estimates)) / (1 - 60 / 300)
    expected = np.sqrt(of_queries * (1 + (effect - 1) * 60 / 300))
    assert np.mean(errors) == pytest.approx(expected, rel=0.3)


def test_squared_distances_between_sets_helper_agrees_with_scipy():
    from scipy.spatial.distance import cdist

    a, b = np.random.default_rng(6).normal(size=(2, 9, 5))
    assert np.allclose(squared_distances(a, b), cdist(a, b, "sqeuclidean"))
