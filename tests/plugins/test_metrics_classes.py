"""Metrics of class means, scatter, layers and classifiers against scikit-learn and their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from netlab_builtin.metrics import cka, clusters, dimension, probe, ranking, scatter, smoothness
from netlab_builtin.metrics.options import (
    FeatureRankingOptions,
    IntrinsicDimensionOptions,
    LinearProbeOptions,
    SmoothnessOptions,
)

from netlab.separability import FeatureSpace


def blobs(n=120, d=6, k=4, seed=0, spread=1.5):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    return rng.normal(size=(k, d))[y] * spread + rng.normal(size=(n, d)) + 7, y


@pytest.mark.parametrize("name", ["silhouette", "davies_bouldin", "calinski_harabasz"])
@pytest.mark.parametrize("standardize", [False, True])
def test_cluster_indices_are_those_of_scikit_learn(name, standardize):
    from sklearn import metrics
    from sklearn.preprocessing import StandardScaler

    x, y = blobs()
    y = y.astype(object)
    y[3] = 99  # a class of one point
    y = y.astype(int)
    theirs = getattr(metrics, f"{name}_score")(StandardScaler().fit_transform(x) if standardize else x, y)
    ours = getattr(clusters, name)(FeatureSpace(x, y, standardize=standardize), options=None)
    assert ours.value == pytest.approx(theirs, rel=1e-4)


def test_silhouette_samples_are_those_of_scikit_learn():
    from sklearn.metrics import silhouette_samples

    x, y = blobs(seed=1)
    ours = clusters.silhouette(FeatureSpace(x, y), options=None)
    assert np.allclose(ours.per_point, silhouette_samples(x, y), atol=1e-4)


@pytest.mark.parametrize("metric", [clusters.silhouette, clusters.davies_bouldin, clusters.calinski_harabasz])
def test_cluster_indices_need_two_classes(metric):
    with pytest.raises(ValueError, match="2"):
        metric(FeatureSpace(np.eye(4), [0, 0, 0, 0]), options=None)


def scatters(x, y):
    means = {k: x[y == k].mean(0) for k in np.unique(y)}
    within = sum(np.outer(row - means[k], row - means[k]) for row, k in zip(x, y, strict=True))
    between = sum((y == k).sum() * np.outer(m - x.mean(0), m - x.mean(0)) for k, m in means.items())
    return within, between, means


def test_fisher_is_the_ratio_of_traces_and_f1_that_of_the_best_feature():
    x, y = blobs(seed=2)
    within, between, _ = scatters(x, y)
    result = scatter.fisher(FeatureSpace(x, y), options=None)
    assert result.value == pytest.approx(np.trace(between) / np.trace(within))
    ratios = np.diag(between) / np.diag(within)
    assert result.extra["best_feature_index"] == ratios.argmax()
    assert result.extra["f1"] == pytest.approx(1 / (1 + ratios.max()))


def test_nc1_is_the_trace_with_the_pseudo_inverse():
    x, y = blobs(seed=3)
    within, _, means = scatters(x, y)
    centres = np.stack(list(means.values()))
    deviation = centres - centres.mean(0)
    expected = np.trace(within / len(x) @ np.linalg.pinv(deviation.T @ deviation / len(centres))) / len(
        centres
    )
    assert scatter.nc1(FeatureSpace(x, y), options=None).value == pytest.approx(expected)


def test_nc1_of_collapsed_classes_is_zero():
    y = np.repeat([0, 1, 2], 5)
    assert scatter.nc1(FeatureSpace(np.eye(3)[y], y), options=None).value == pytest.approx(0, abs=1e-20)


def test_linear_cka_is_its_formula_and_blind_to_rotation_and_scale():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(80, 30)), rng.integers(0, 3, 80)
    z = np.tanh(x @ rng.normal(size=(30, 12))) + 5
    a, b = x - x.mean(0), z - z.mean(0)
    expected = np.linalg.norm(b.T @ a) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    before = FeatureSpace(x, y)
    assert cka.linear_cka(FeatureSpace(z, y, previous=before), options=None).value == pytest.approx(
        expected, rel=1e-4
    )
    rotation = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    same = FeatureSpace(3 * x @ rotation, y, previous=before)
    assert cka.linear_cka(same, options=None).value == pytest.approx(1, abs=1e-5)
    assert math.isnan(cka.linear_cka(before, options=None).value)


@pytest.mark.parametrize(("inner", "outer"), [(1, 8), (2, 10), (3, 20)])
def test_intrinsic_dimension_of_a_flat_set_is_found(inner, outer):
    rng = np.random.default_rng(5)
    x = rng.uniform(size=(1500, inner)) @ rng.normal(size=(inner, outer))
    result = dimension.intrinsic_dimension(FeatureSpace(x), options=IntrinsicDimensionOptions())
    assert result.value == pytest.approx(inner, rel=0.12)
    assert result.extra["mle"] == pytest.approx(inner, rel=0.15)


def test_intrinsic_dimension_leaves_duplicates_out():
    x = np.random.default_rng(6).normal(size=(800, 2))
    x[:5] = x[5:10]
    result = dimension.intrinsic_dimension(FeatureSpace(x), options=IntrinsicDimensionOptions())
    assert result.notes == ("10 point(s) with a duplicate left out",)
    assert result.value == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("d", [5, 200])
def test_linear_probe_is_the_ridge_classifier_left_one_out(d):
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import LeaveOneOut, cross_val_predict

    x, y = blobs(n=60, d=d, k=3, seed=7, spread=0.7 if d == 5 else 0.2)
    predicted = cross_val_predict(RidgeClassifier(alpha=2.0), x, y, cv=LeaveOneOut())
    result = probe.linear_probe(FeatureSpace(x, y), options=LinearProbeOptions(alpha=2.0))
    assert np.array_equal(result.per_point, predicted == y)
    assert 0.4 < result.value < 1


@pytest.mark.parametrize("d", [5, 200])
def test_linear_probe_with_reference_is_fitted_there(d):
    from sklearn.linear_model import RidgeClassifier

    x, y = blobs(n=120, d=d, k=3, seed=8, spread=0.7 if d == 5 else 0.2)
    predicted = RidgeClassifier(alpha=2.0).fit(x[:80], y[:80]).predict(x[80:])
    test = FeatureSpace(x[80:], y[80:], reference=FeatureSpace(x[:80], y[:80]))
    result = probe.linear_probe(test, options=LinearProbeOptions(alpha=2.0))
    assert np.array_equal(result.per_point, predicted == y[80:])


def direct_smi(x, t, form, gamma):
    scores = []
    for i in range(len(x)):
        distance = np.square(x - x[i]).sum(1).astype(float)
        distance[i] = np.inf
        delta = np.sqrt(np.square(t - t[i]).sum(1))
        others = np.delete(delta, i)
        nearest = delta[distance == distance.min()]
        if form == "linear":
            value = (delta.max() - nearest) / (delta.max() - others.min())
        else:
            value = np.exp(-gamma * (nearest - others.min()) / delta.mean())
        scores.append(value.mean())
    return np.array(scores)


@pytest.mark.parametrize("form", ["linear", "exponential"])
@pytest.mark.parametrize("width", [1, 2])
def test_smoothness_is_its_formula_with_ties_shared(form, width):
    rng = np.random.default_rng(9)
    x, t = rng.integers(0, 4, (70, 2)), rng.normal(size=(70, width))
    result = smoothness.smoothness_index(
        FeatureSpace(x, targets=t), options=SmoothnessOptions(form=form, gamma=1.5)
    )
    assert np.allclose(result.per_point, direct_smi(x, t, form, 1.5))


def test_smoothness_is_high_for_a_smooth_target_and_one_for_a_constant_one():
    x = np.random.default_rng(10).uniform(size=(400, 2))
    smooth = smoothness.smoothness_index(FeatureSpace(x, targets=x[:, 0]), options=SmoothnessOptions())
    rough = smoothness.smoothness_index(
        FeatureSpace(x, targets=np.sin(1e4 * x[:, 0])), options=SmoothnessOptions()
    )
    assert smooth.value > 0.95 > rough.value + 0.2
    assert (
        smoothness.smoothness_index(FeatureSpace(x, targets=np.ones(400)), options=SmoothnessOptions()).value
        == 1
    )
    with pytest.raises(ValueError, match="targets"):
        smoothness.smoothness_index(FeatureSpace(x, np.zeros(400)), options=SmoothnessOptions())


def test_feature_ranking_is_greedy_selection_by_si():
    from netlab.separability import si_score

    rng = np.random.default_rng(11)
    y = rng.integers(0, 3, 60)
    x = rng.integers(0, 6, (60, 7)).astype(float)
    x[:, 4] += 4 * y
    chosen: list[int] = []
    values = []
    for _ in range(4):
        scores = {f: si_score(x[:, [*chosen, f]], y) for f in range(7) if f not in chosen}
        best = max(scores, key=lambda f: (scores[f], -f))
        chosen.append(best)
        values.append(scores[best])
    result = ranking.feature_ranking(FeatureSpace(x, y), options=FeatureRankingOptions(top=4))
    assert result.extra["features"] == chosen
    assert result.extra["features"][0] == 4
    assert result.extra["si"] == pytest.approx(values)
    assert result.value == pytest.approx(values[-1])
