"""The metric 'variance-ratio'."""

import numpy as np

from netlab.kinds.metric import MetricResult


def variance_ratio(space, *, options):
    """The correlation ratio: variance between the classes over the variance of all points.

    ``sum_k n_k |m_k - m|^2 / sum_i |x_i - m|^2`` with class means m_k and the mean m, from 0 to 1.

    Raises:
        ValueError: all points are the same.
    """
    features = np.asarray(space.rows(), np.float64)
    features = features - features.mean(axis=0)
    total = float((features**2).sum())
    if total == 0:
        raise ValueError("all points are the same: there is no variance to explain")
    between = 0.0
    for label in range(len(space.class_names)):
        members = features[space.codes == label]
        if len(members):
            between += len(members) * float((members.mean(axis=0) ** 2).sum())
    return MetricResult(min(between / total, 1.0))
