"""Figures of a classifier's answers, against SciPy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support, top_k_accuracy_score

from netlab.classification.assessment import Assessment, wilson

NAMES = ("ant", "bee", "cat", "dog")


def answers(count: int = 200, classes: int = 4, seed: int = 0) -> Assessment:
    rng = np.random.default_rng(seed)
    return Assessment(
        rng.dirichlet(np.ones(classes), count), rng.integers(0, classes, count), NAMES[:classes]
    )


@pytest.mark.parametrize(("hits", "count"), [(0, 5), (5, 5), (1, 1), (7, 20), (450, 500)])
def test_intervals_are_scipys_wilson(hits: int, count: int) -> None:
    expected = binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson(hits, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_has_no_interval() -> None:
    assert wilson(0, 0) is None


def test_figures_are_scikit_learns() -> None:
    given = answers()
    predicted = given.probabilities.argmax(1)
    found = given.as_dict()
    precision, recall, f1, images = precision_recall_fscore_support(given.labels, predicted)
    for place, name in enumerate(NAMES):
        row = found["classes"][name]
        assert (row["precision"], row["recall"], row["f1"]) == pytest.approx(
            (precision[place], recall[place], f1[place])
        )
        assert row["images"] == images[place]
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(given.labels, predicted))
    for top in (1, 2, 3):
        assert found["top"][str(top)] == pytest.approx(
            top_k_accuracy_score(given.labels, given.probabilities, k=top)
        )
    assert np.sum(found["confusion"]) == 200


def test_calibration_error_by_hand() -> None:
    """Four answers of .9, three right; four of .6, one right: .5 |.9 - .75| + .5 |.6 - .25|."""
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 4)
    labels = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    found = Assessment(probabilities, labels, ("a", "b"))
    assert found.calibration_error == pytest.approx(0.5 * 0.15 + 0.5 * 0.35)
    assert [row["images"] for row in found.reliability()] == [4, 4]


def test_a_class_without_images_or_answers_has_no_figures() -> None:
    found = Assessment(np.array([[1.0, 0.0]]), np.array([0]), ("a", "b")).as_dict()
    assert found["classes"]["b"]["recall"] is None
    assert found["classes"]["b"]["precision_interval"] is None
    assert found["accuracy"] == 1.0
