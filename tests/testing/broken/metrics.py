"""Metrics with one mistake each."""

import numpy as np
import torch

from netlab.kinds.metric import MetricResult

CALLS: list = []


def nearest_own(space):
    """Whether the nearest of the other points is of the own class, (m,): nothing is wrong with it."""
    return space.neighbours.nearest.own


def between(space):
    """Variance between the classes over that of all."""
    rows = space.rows()
    rows = rows - rows.mean(0)
    total = np.square(rows).sum()
    if total == 0:
        raise ValueError("all points are the same")
    means = [rows[space.codes == k].mean(0) for k in range(len(space.class_names)) if space.counts[k]]
    counts = [space.counts[k] for k in range(len(space.class_names)) if space.counts[k]]
    return float(min(sum(c * np.square(m).sum() for c, m in zip(counts, means, strict=True)) / total, 1.0))


def neighbours_in_order(space, *, options):
    """How often the next point in the list has the same label."""
    return MetricResult(float((space.codes == np.roll(space.codes, 1)).mean()))


def breaks_ties_by_index(space, *, options):
    """The label of the nearest point; of several, the first."""
    return MetricResult(float((space.neighbours.nearest.first == space.codes[space.queries]).mean()))


def uses_codes(space, *, options):
    """Correlation with the number of the class."""
    rows = space.rows()[:, 0]
    if rows.std() == 0 or space.codes.std() == 0:
        raise ValueError("nothing varies")
    return MetricResult(float(np.corrcoef(rows, space.codes)[0, 1] ** 2))


def first_half(space, *, options):
    """Learns from the first half and is tested on the second."""
    rows, codes = space.rows(), space.codes
    half = len(rows) // 2
    means = np.stack([
        rows[:half][codes[:half] == k].mean(0) if (codes[:half] == k).any() else np.full(space.d, 1e9)
        for k in range(len(space.class_names))
    ])  # fmt: skip
    nearest = np.square(rows[half:, None] - means).sum(2).argmin(1)
    return MetricResult(float((nearest == codes[half:]).mean()))


def points_of_queries(space, *, options):
    """One number a query, not a point."""
    own = nearest_own(space)
    return MetricResult(float(own.mean()), per_point=own)


def all_are_queries(space, *, options):
    """Pairs the queries' decisions with all labels."""
    own = np.asarray(nearest_own(space))
    weights = np.ones(space.n) + space.codes * 0.0
    return MetricResult(float((own * weights).sum() / weights.sum()))


def class_numbers(space, *, options):
    """Per class by number, not by name."""
    own, codes = nearest_own(space), space.codes[space.queries]
    return MetricResult(
        float(own.mean()), per_class={f"class {k}": float(own[codes == k].mean()) for k in np.unique(codes)}
    )


def lower_but_higher(space, *, options):
    """The share of points whose nearest is of another class, stated as better when higher."""
    return MetricResult(float(1 - nearest_own(space).mean()))


def not_in_range(space, *, options):
    """In percent, stated as from 0 to 1."""
    return MetricResult(100 * float(nearest_own(space).mean()))


def always_the_same(space, *, options):
    """Divides integers: 0 or 1 only, nearly always 0."""
    return MetricResult(float(int(nearest_own(space).sum()) // space.n * 0))


def random_sample(space, *, options):
    """Compares a random sample, from NumPy's own generator."""
    rows = np.random.choice(space.n, max(space.n // 2, 1), replace=False)
    return MetricResult(
        float(np.isin(np.arange(space.n), rows)[space.queries].mean() * nearest_own(space).mean())
    )


def seeds_numpy(space, *, options):
    """Seeds NumPy for its sample."""
    np.random.seed(0)
    return MetricResult(float(nearest_own(space).mean()))


def torch_threads(space, *, options):
    """Takes one thread, for good."""
    torch.set_num_threads(torch.get_num_threads() + 1)
    return MetricResult(float(nearest_own(space).mean()))


def ignores_warnings(space, *, options):
    """Silences NumPy for everyone."""
    np.seterr(all="ignore")
    return MetricResult(float(nearest_own(space).mean()))


def sorts_labels(space, *, options):
    """Sorts the features and not the labels."""
    order = np.argsort(space.rows()[:, 0])
    codes = space.codes
    rows = space.rows()[order]
    own = np.square(rows[1:] - rows[:-1]).sum(1)
    same = codes[1:] == codes[:-1]
    if not same.any() or same.all():
        raise ValueError("only one class")
    return MetricResult(float(own[~same].mean() / max(own.mean(), 1e-12)))


def length_without_exponent(space, *, options):
    """The mean distance to the nearest of another class less that of the own, in units of the space."""
    rows = space.rows()
    means = space.class_means.values
    gaps = np.sqrt(np.square(means[:, None] - means).sum(2))
    spread = np.sqrt(np.square(rows - means[space.codes]).sum(1)).mean()
    return MetricResult(float(np.nanmean(gaps) - spread))


def nan_of_empty(space, *, options):
    """The mean of per-class means, also of classes that have no points here."""
    own, codes = nearest_own(space), space.codes[space.queries]
    values = [own[codes == k].sum() / (codes == k).sum() for k in range(len(space.class_names))]
    return MetricResult(float(np.mean(values)))


def first_feature(space, *, options):
    """Needs at least two features, and says so by failing."""
    rows = space.rows()
    angle = np.arctan2(rows[:, 1], rows[:, 0])
    if np.ptp(angle) == 0:
        raise ValueError("one direction")
    return MetricResult(between(space) * (1 + 0 * float(angle.mean())))


def remembers(space, *, options):
    """Averages with what it gave before."""
    CALLS.append(between(space))
    return MetricResult(float(np.mean(CALLS)))


def integer_value(space, *, options):
    """A NumPy array without dimensions."""
    return MetricResult(np.asarray(between(space)))


def no_direction(space, *, options):
    """Does not say which way is better."""
    return MetricResult(between(space))
