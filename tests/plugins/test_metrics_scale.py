"""A metric is as invariant to the offset and scale of the features as its formula is, from 1e-300 to 1e300."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from sklearn import metrics as peer

from netlab.errors import UsageError
from netlab.separability import FeatureSpace
from netlab.separability.bound_metric import bind_metrics

INVARIANT = (
    "si csi csi-loo high-order-si soft-si anti-si data-score confusion n2 silhouette davies-bouldin "
    "calinski-harabasz fisher nc1 intrinsic-dimension feature-ranking cross-si cross-csi linear-cka"
).split()
METRICS = {metric.name: metric for metric in bind_metrics([*INVARIANT, "margin", "linear-probe"])}
SCALES = [2.0**-1040, 2.0**-997, 1e-100, 1e-9, 1e10, 1e100, 2.0**997, 2.0**1019]


def blobs(n=90):
    """Multiples of 1/16, so that offsets and powers of two change no value."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    x = rng.normal(size=(3, 5))[y] * 1.2 + rng.normal(size=(n, 5))
    return np.round(x * 16) / 16, y


def value(name: str, x: np.ndarray, y: np.ndarray) -> float:
    """On the second half of the points, with the first as reference; the layer before is as it is."""
    before = FeatureSpace(blobs()[0][45:][:, ::-1] ** 3, y[45:])
    space = FeatureSpace(x[45:], y[45:], reference=FeatureSpace(x[:45], y[:45]), previous=before)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return METRICS[name].call(space).value


@pytest.mark.parametrize("name", INVARIANT)
def test_neither_scale_nor_offset_changes_a_value(name: str) -> None:
    x, y = blobs()
    expected = value(name, x, y)
    assert np.isfinite(expected)
    for scale in SCALES:
        assert value(name, x * scale, y) == pytest.approx(expected, rel=1e-5), f"times {scale}"
    for offset in (100.0, 2.0**20, 2.0**30):
        assert value(name, x + offset, y) == pytest.approx(expected, rel=1e-5), f"plus {offset}"


def test_margin_is_in_units_of_the_features_or_says_that_they_are_too_large() -> None:
    x, y = blobs()
    margin = METRICS["margin"]
    expected = margin.call(FeatureSpace(x, y))
    for scale in (2.0**-997, 2.0**-500, 2.0**997):
        found = margin.call(FeatureSpace(x * scale, y))
        assert found.value == pytest.approx(expected.value * scale, rel=1e-12, abs=0)
        assert found.extra["relative"] == pytest.approx(expected.extra["relative"])
        assert np.allclose(found.per_point / scale, expected.per_point)
    huge = np.array([[1.7e308], [1.6e308], [-1.7e308], [-1.6e308]])
    with pytest.raises((ValueError, UsageError), match="too large for a number"):
        margin.call(FeatureSpace(huge, [0, 0, 1, 1]))


def test_the_ridge_of_the_linear_probe_is_in_units_of_the_features() -> None:
    from sklearn.linear_model import RidgeClassifier

    x, y = blobs()
    probe = METRICS["linear-probe"]
    for scale in (1e-14, 1e13):
        train = FeatureSpace(x[:45] * scale, y[:45])
        found = probe.call(FeatureSpace(x[45:] * scale, y[45:], reference=train))
        expected = (
            RidgeClassifier(alpha=1.0, solver="svd").fit(x[:45] * scale, y[:45]).predict(x[45:] * scale)
        )
        assert found.value == (expected == y[45:]).mean()
    with pytest.raises((ValueError, UsageError), match="scale or standardize"):
        probe.call(FeatureSpace(x * 2.0**-997, y))


@pytest.mark.parametrize("far", [1e5, 1e7, 1e9])
def test_silhouette_with_a_far_cluster_is_that_of_scikit_learn_and_of_differences(far: float) -> None:
    x, y = blobs()
    x[y == 2] += far
    distances = np.sqrt(np.square(x[:, None] - x[None]).sum(-1))
    expected = peer.silhouette_score(distances, y, metric="precomputed")
    assert METRICS["silhouette"].call(FeatureSpace(x, y)).value == pytest.approx(expected, abs=1e-5)
    if far == 1e5:
        assert expected == pytest.approx(peer.silhouette_score(x, y), abs=1e-9)


@pytest.mark.parametrize("small", [1e-150, 1e-200, 1e-290])
def test_fisher_finds_the_best_feature_however_small_it_is_beside_the_others(small: float) -> None:
    x, y = blobs()
    x[:, 1] = (x[:, 1] + 50 * y) * small
    means = np.stack([x[y == k].mean(0) for k in range(3)])
    within = ((x - means[y])[:, 1] / small).var()
    between = ((means[y] - x.mean(0))[:, 1] / small).var()
    for factor in (1.0, 2.0**-20, 2.0**60):
        found = METRICS["fisher"].call(FeatureSpace(x * factor, y)).extra
        assert found["best_feature_index"] == 1
        assert found["best_feature"] == pytest.approx(between / within, rel=1e-6)
        assert found["f1"] == pytest.approx(1 / (1 + between / within), rel=1e-6)


def test_nc1_with_an_offset_is_that_of_the_points_without_in_exact_arithmetic() -> None:
    x, y = blobs(30)
    f = np.vectorize(Fraction, otypes=[object])(x + 100)
    means = np.stack([f[y == k].sum(0) / (y == k).sum() for k in range(3)])
    between = (means - means.sum(0) / 3).astype(float)
    within = (f - means[y]).astype(float)
    expected = np.trace(within.T @ within / 30 @ np.linalg.pinv(between.T @ between / 3, rcond=1e-10)) / 3
    assert METRICS["nc1"].call(FeatureSpace(x + 100, y)).value == pytest.approx(expected, rel=1e-9)


def test_nc1_of_equal_class_means_is_refused() -> None:
    x = np.array([[100.0], [102.0], [99.0], [103.0], [100.5], [101.5]])
    with pytest.raises((ValueError, UsageError), match="class means are equal"):
        METRICS["nc1"].call(FeatureSpace(x + 0.1, [0, 0, 1, 1, 2, 2]))
