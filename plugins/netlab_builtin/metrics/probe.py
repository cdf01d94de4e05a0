"""A linear classifier on the features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.kinds.metric import MetricResult, Space

Float = NDArray[np.float64]
LARGEST = 12_000  # points for a system of equations of that size


def linear_probe(space: Space, *, options: Any) -> MetricResult:
    """Linear probe: the accuracy of a ridge classifier on the features.

    Formula: least squares on targets +1 (the class) and -1 with an intercept and ``alpha`` ‖w‖², the
    class with the largest output (``sklearn.linear_model.RidgeClassifier``). With reference points
    (the test split of a run) it is fitted on them and tested on these points; without, every point is
    tested by the classifier fitted on all others, by the exact leave-one-out formula
    f_-i = (f_i - h_i y_i) / (1 - h_i) with h the diagonal of the hat matrix.
    Range: 0 to 1. Ties: the class listed first.
    Source: Alain and Bengio, 2016; leave-one-out: Hastie, Tibshirani and Friedman, The Elements of
    Statistical Learning, 2nd ed., equation 7.64.
    """
    if (space.counts > 0).sum() < 2 and space.reference is None:
        raise ValueError("linear-probe needs at least 2 classes")
    with np.errstate(over="ignore"):
        alpha = float(np.ldexp(options.alpha, 2 * space.exponent))  # in the units of the rows
    if not 1e-100 < alpha < 1e100:
        raise ValueError("linear-probe weighs w against features of ordinary size: scale or standardize them")
    if space.reference is None:
        outputs, note = _leave_one_out(space, alpha), "accuracy of leave-one-out predictions"
    else:
        outputs, note = _fitted_on_reference(space, alpha), "fitted on the reference points"
    hit = (outputs.argmax(axis=1) == space.codes).astype(np.float64)
    return MetricResult.from_points(hit[space.queries], space, between=(0, 1), notes=(note,))


def _targets(codes: NDArray[np.int64], classes: int) -> Float:
    return np.where(codes[:, None] == np.arange(classes), 1.0, -1.0)


def _leave_one_out(space: Space, alpha: float) -> Float:
    y = _targets(space.codes, len(space.class_names))
    if space.d <= space.n:
        x = space.rows()
        x -= x.mean(axis=0)
        inner = np.linalg.inv(x.T @ x + alpha * np.eye(space.d))
        projected = x @ inner
        fitted = projected @ (x.T @ y) + y.mean(axis=0)
        leverage = np.einsum("ij,ij->i", projected, x) + 1 / space.n
    else:
        kernel = _centred(_kernel(space))
        inverse = np.linalg.inv(kernel + alpha * np.eye(space.n))
        # K (K + αI)⁻¹ = I - α (K + αI)⁻¹
        fitted = (y - y.mean(axis=0)) - alpha * inverse @ (y - y.mean(axis=0)) + y.mean(axis=0)
        leverage = 1 - alpha * np.diag(inverse) + 1 / space.n
    leverage = np.minimum(leverage, 1 - 1e-12)[:, None]
    return (fitted - leverage * y) / (1 - leverage)


def _fitted_on_reference(space: Space, alpha: float) -> Float:
    reference: Any = space.reference
    y = _targets(_reference_codes(space), len(space.class_names))
    if space.d <= reference.n:
        x = reference.rows()
        mean = x.mean(axis=0)
        x -= mean
        weights = np.linalg.solve(x.T @ x + alpha * np.eye(space.d), x.T @ y)
        return (space.rows() - mean) @ weights + y.mean(axis=0)
    kernel = _kernel(reference)
    across = space.kernel.products_reference().astype(np.float64)
    column = kernel.mean(axis=0)
    across = across - across.mean(axis=1, keepdims=True) - column + kernel.mean()
    weights = np.linalg.solve(_centred(kernel) + alpha * np.eye(reference.n), y - y.mean(axis=0))
    return across @ weights + y.mean(axis=0)


def _reference_codes(space: Space) -> NDArray[np.int64]:
    reference: Any = space.reference
    index = {name: k for k, name in enumerate(space.class_names)}
    return np.array([index[name] for name in reference.class_names])[reference.codes]


def _kernel(space: Space) -> Float:
    if space.n > LARGEST:
        raise ValueError(
            f"linear-probe on more features than points solves a system of {space.n} equations; "
            f"measure at most {LARGEST} points"
        )
    return space.kernel.products().astype(np.float64)


def _centred(kernel: Float) -> Float:
    row = kernel.mean(axis=0)
    return kernel - row - row[:, None] + kernel.mean()
