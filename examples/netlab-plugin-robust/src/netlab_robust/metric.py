"""The metric 'effective-rank'."""

from typing import Any

import numpy as np

from netlab.kinds.metric import MetricResult


def effective_rank(space: Any, *, options: Any) -> MetricResult:
    """``exp(-sum_i p_i log p_i)``, p the singular values of the centred features over their sum: from 1 to
    the smaller of points and features.

    Source: Roy and Vetterli, The effective rank, EUSIPCO 2007, equation 4.

    Raises:
        ValueError: all points are the same.
    """
    features = np.asarray(space.rows(), np.float64)
    values = np.linalg.svd(features - features.mean(0), compute_uv=False)
    if not values.sum():
        raise ValueError("all points are the same: they use no direction")
    shares = values[values > 0] / values.sum()
    return MetricResult(float(np.exp(-(shares * np.log(shares)).sum())))
