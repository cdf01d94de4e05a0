"""What a FeatureSpace takes, what it refuses, and that it leaves its input alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from brute_force import si_per_point

from netlab.separability import FeatureSpace, Standardization, csi, csi_score, si, si_score


def points(n=60, d=5, k=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 40, (n, d)), rng.integers(0, k, n)


@pytest.mark.parametrize(
    "dtype",
    [
        np.float16,
        np.float32,
        np.float64,
        ">f8",
        ">f4",
        np.uint8,
        np.uint16,
        np.uint32,
        np.uint64,
        np.int8,
        np.int64,
        bool,
    ],
)
def test_any_real_type_of_array(dtype):
    x, y = points()
    x = (x > 20) if dtype is bool else x.astype(dtype)
    assert np.array_equal(FeatureSpace(x, y).neighbours.nearest.own, si_per_point(x.astype(np.float64), y))


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int16, torch.bool]
)
def test_any_real_type_of_tensor(dtype):
    x, y = points()
    tensor = torch.from_numpy(x).to(dtype)
    space = FeatureSpace(tensor.requires_grad_(dtype.is_floating_point), torch.from_numpy(y))
    assert np.array_equal(space.neighbours.nearest.own, si_per_point(tensor.detach().double().numpy(), y))


@pytest.mark.parametrize("view", [lambda x: x[::-1], lambda x: x[:, ::2], lambda x: np.asfortranarray(x)])
def test_views_with_any_strides(view):
    x, y = points()
    assert np.array_equal(FeatureSpace(view(x), y).neighbours.nearest.own, si_per_point(view(x), y))


def test_labels_with_gaps_strings_bytes_and_floats_that_are_integers():
    x, y = points()
    expected = si_per_point(x, y)
    for labels in (
        y * 100 - 7,
        y.astype(str),
        y.astype("S1"),
        y.astype(float),
        y.astype(object),
        ["abc"[k] for k in y],
    ):
        assert np.array_equal(FeatureSpace(x, labels).neighbours.nearest.own, expected)
    assert FeatureSpace(x, y * 10).class_names == ("0", "10", "20")
    assert FeatureSpace(x, y, class_names=["cat", "dog", "owl"]).class_names == ("cat", "dog", "owl")


def test_input_is_never_changed():
    x, y = points()
    x = x.astype(np.float32)
    before, labels = x.copy(), y.copy()
    x.setflags(write=False)
    space = FeatureSpace(x, y, standardize=True)
    _ = (
        space.neighbours.nearest,
        space.class_means.nearest,
        space.neighbours.mean_distances,
        space.class_means.squared_distances,
    )
    space.neighbours.in_order(3)
    assert np.array_equal(x, before)
    assert np.array_equal(y, labels)
    tensor = torch.from_numpy(before.copy())
    _ = FeatureSpace(tensor, y).neighbours.nearest, FeatureSpace(tensor, y).class_means.nearest
    assert np.array_equal(tensor.numpy(), before)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((3, 2)), [0, 1], "3 points but 2 labels"),
        (np.ones(3), [0, 1, 1], r"1 dimension\(s\), shape \(3,\)"),
        (np.ones((3, 2, 2)), [0, 1, 1], r"3 dimension\(s\)"),
        (np.ones((3, 0)), [0, 1, 1], "no feature"),
        (np.ones((1, 2)), [0], "needs at least 2"),
        (np.ones((0, 2)), [], "needs at least 2"),
        (np.array([["a"], ["b"]]), [0, 1], "expected a matrix of real numbers"),
        (np.array([[None], [1]], dtype=object), [0, 1], "Python objects"),
        (np.ones((2, 1), dtype=complex), [0, 1], "real numbers"),
        (torch.ones(2, 1, dtype=torch.complex64), [0, 1], "real numbers"),
        (np.ones((3, 2)), [0.5, 1.25, 2.0], "continuous .*smi"),
        (np.ones((3, 2)), [0, np.nan, 2.0], "nan at point 1"),
        (np.ones((3, 2)), np.ones((3, 2)), "one label a point"),
        (np.ones((2, 2)), [None, "a"], "expected numbers or strings"),
    ],
)
def test_bad_input_is_one_clear_line(x, y, message):
    with pytest.raises(ValueError, match=message) as caught:
        FeatureSpace(x, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_that_are_not_finite_are_located_or_left_out(bad, dtype):
    x, y = points()
    x = x.astype(dtype)
    x[17, 3] = bad
    with pytest.raises(ValueError, match="at point 17, feature 3"):
        FeatureSpace(x, y)
    space = FeatureSpace(x, y, nan="omit")
    keep = np.arange(60) != 17
    assert np.array_equal(space.neighbours.nearest.own, si_per_point(x[keep], y[keep]))
    assert "1 point(s)" in si(space).notes[-1]


def test_standardization_is_that_of_scikit_learn_and_constant_features_become_zero():
    from sklearn.preprocessing import StandardScaler

    x, y = points()
    x = np.column_stack([x * [1, 100, 0.01, 1e6, 1], np.full(60, 0.1), np.zeros(60)])
    assert np.allclose(FeatureSpace(x, y, standardize=True).rows(), StandardScaler().fit_transform(x))
    given = Standardization(np.arange(7.0), np.arange(1.0, 8.0))
    assert np.allclose(FeatureSpace(x, y, standardize=given).rows(), (x - np.arange(7)) / np.arange(1, 8))


def test_a_reference_brings_its_standardization():
    x, y = points()
    train = FeatureSpace(x[:40], y[:40], standardize=True)
    test = FeatureSpace(x[40:], y[40:], reference=train)
    assert test.standardization is train.standardization
    with pytest.raises(ValueError, match="differently"):
        FeatureSpace(x[40:], y[40:], reference=train, standardize=True)
    with pytest.raises(ValueError, match="5 features but the reference points have 4"):
        FeatureSpace(x, y, reference=FeatureSpace(x[:, :4], y))


def test_features_that_explode_under_the_training_scale_are_still_decided():
    train = np.zeros((20, 3), dtype=np.float32)
    train[:, 0] = np.arange(20)
    train[0, 1] = 1e-30
    test = np.array([[0, 1, 0], [1, 1, 0], [0, 2, 0], [9, 2, 0]], dtype=np.float32)
    reference = FeatureSpace(train, np.arange(20) % 2, standardize=True)
    space = FeatureSpace(test, [0, 0, 1, 1], reference=reference)
    assert np.array_equal(space.neighbours.nearest.own, [1, 1, 1, 1])
    assert np.array_equal(space.class_means.nearest.own, [1, 1, 1, 1])
    assert space.neighbours.nearest_reference.own.shape == (4,)


def test_scores_in_the_manner_of_scikit_learn():
    x, y = points()
    assert si_score(x, y) == si(x, y).value == si_per_point(x, y).mean()
    assert csi_score(x, y) == csi(FeatureSpace(x, y)).value
    with pytest.raises(TypeError, match="labels are missing"):
        si(x)


def test_without_labels_targets_are_kept_and_checked():
    x, _ = points()
    assert FeatureSpace(x, targets=np.arange(60)).targets.shape == (60, 1)
    with pytest.raises(ValueError, match="60 points but 3 targets"):
        FeatureSpace(x, targets=[1, 2, 3])
    with pytest.raises(ValueError, match="not finite at point 1"):
        FeatureSpace(x[:2], targets=[1, np.nan])
