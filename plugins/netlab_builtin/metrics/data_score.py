"""The data score."""

from __future__ import annotations

from typing import Any

import numpy as np

from netlab.kinds.metric import MetricResult, Space


def data_score(space: Space, *, options: Any) -> MetricResult:
    """Data score: how deep a point lies among its own class (+) or among others (-).

    Formula: the number of nearest points, from the nearest on, that have the label of the point until
    the first that has not; if the nearest has another label, minus the number until the first with its label.
    The value is the mean over the points; ``per_point`` is what cleans a data set.
    Range: -(n - 1) to n - 1.
    Ties: the mean over all orders of tied points.
    Source: Kalhor et al., 2023.
    """
    scores = space.neighbours.run_lengths
    extra = {
        "negative": float((scores < 0).mean()),
        "quantiles": {str(q): float(np.quantile(scores, q)) for q in (0, 0.25, 0.5, 0.75, 1)},
    }
    return MetricResult.from_points(scores, space, extra=extra)
