"""Do the intervals of metrics hold? Their coverage over fresh samples of points, before and now, in one run.

    python benchmarks/uncertainty.py            # all cells, an hour of one core
    python benchmarks/uncertainty.py --short    # a few of them, a few minutes

A cell is a population: classes of normal points about random centres, so far apart that a sample of n
points has the SI asked for. Samples are drawn afresh, and every metric's 95 % interval is held against the
mean of the metric over all samples. ``before`` is value ± 1.96 s/√n, as if points were independent, which
netlab printed until it looked at their dependence; for a sample of the queries times √(1 - m/n).
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass

import numpy as np

from netlab.separability import FeatureSpace
from netlab.separability.bound_metric import BoundMetric, bind_metrics

METRICS = ("si", "csi", "csi-loo", "soft-si", "silhouette")
SAMPLED = "si of n/5"  # queries
LEVELS = (0.3, 0.6, 0.9, 0.99, 0.999)
SIZES = ((100, 2), (100, 10), (300, 30), (1000, 2), (1000, 10), (1000, 100), (10_000, 10), (10_000, 100))
SHORT = ((100, 2), (1000, 10), (1000, 100))


@dataclass(frozen=True, slots=True)
class Population:
    """Points normal about the centre of their class; the classes are equally likely."""

    centres: np.ndarray

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Features float32 (n, d) and labels (n,)."""
        labels = rng.integers(0, len(self.centres), n)
        points = self.centres[labels] + rng.normal(size=(n, self.centres.shape[1]))
        return points.astype(np.float32), labels


def population(n: int, classes: int, features: int, level: float) -> Population:
    """Classes so far apart that n points have about this SI."""
    rng = np.random.default_rng(classes + features)
    directions = rng.normal(size=(classes, features))
    low, high = 0.0, 30.0
    for _ in range(12):
        apart = (low + high) / 2
        found = np.mean([
            FeatureSpace(*Population(apart * directions).sample(n, rng)).neighbours.nearest.own.mean()
            for _ in range(max(1, 3000 // n))
        ])  # fmt: skip
        low, high = (apart, high) if found < level else (low, apart)
    return Population(high * directions)


def naive(values: np.ndarray, n: int) -> tuple[float, float]:
    """The mean ± 1.96 s/√m, as if the points were independent."""
    m = len(values)
    reach = 1.96 * values.std(ddof=1) / np.sqrt(m) * (np.sqrt(1 - m / n) if m < n else 1.0)
    return values.mean() - reach, values.mean() + reach


def intervals(
    points: np.ndarray, labels: np.ndarray, metrics: list[BoundMetric]
) -> dict[str, tuple[float, tuple[float, float], tuple[float, float]]]:
    """Of every metric: its value, the interval before, and the interval now."""
    found = {}
    n = len(labels)
    space = FeatureSpace(points, labels)
    sampled = FeatureSpace(points, labels, sample_queries=max(20, n // 5))
    for metric in metrics:
        for where, name in ((space, metric.name), (sampled, SAMPLED)):
            if where is space or metric.name == "si":
                result = metric.call(where)
                assert result.per_point is not None
                assert result.interval is not None
                values = result.per_point[np.isfinite(result.per_point)]
                found[name] = result.value, naive(values, n), result.interval
    return found


def coverage(cell: Population, n: int, samples: int) -> dict[str, tuple[float, float, float]]:
    """Of every metric: its mean, and the share of samples whose interval before, and now, holds it."""
    rng = np.random.default_rng(1)
    metrics = bind_metrics(METRICS)
    drawn = [intervals(*cell.sample(n, rng), metrics) for _ in range(samples)]
    shares = {}
    for name in drawn[0]:
        truth = float(np.mean([found[name][0] for found in drawn]))
        held = [[low <= truth <= high for low, high in found[name][1:]] for found in drawn]
        shares[name] = (truth, *np.mean(held, axis=0).tolist())
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of 95 % intervals over fresh samples.")
    parser.add_argument("--short", action="store_true", help="a few cells, a few minutes")
    parser.add_argument("--samples", type=int, help="samples of a cell (400; of 10,000 points 100)")
    arguments = parser.parse_args()
    sizes, levels = (SHORT, LEVELS[::2]) if arguments.short else (SIZES, LEVELS)
    names = [*METRICS[:1], SAMPLED, *METRICS[1:]]
    print(f"{'n':>6} {'K':>4} {'d':>3}  {'SI':>6}  " + "  ".join(f"{name:>12}" for name in names), flush=True)
    all_shares: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    started = time.process_time()
    for (n, classes), level in itertools.product(sizes, levels):
        if level < 1.3 / classes:
            continue
        features = 4 if classes == 2 else 12
        samples = arguments.samples or (100 if n > 1000 else 100 if arguments.short else 400)
        shares = coverage(population(n, classes, features, level), n, samples)
        cells = [
            f"{before:.3f}>{now:.3f}".replace("0.", ".") for _, before, now in (shares[x] for x in names)
        ]
        print(
            f"{n:>6} {classes:>4} {features:>3}  {shares['si'][0]:.4f}  "
            + "  ".join(f"{cell:>12}" for cell in cells),
            flush=True,
        )
        for name in names:
            all_shares[name].append(shares[name][1:])
    means = [np.mean(all_shares[name], axis=0) for name in names]
    print(f"{'mean':>25}  " + "  ".join(f"{a:.3f}>{b:.3f}".replace("0.", ".").rjust(12) for a, b in means))
    within = [np.mean([0.93 <= now <= 0.97 for _, now in all_shares[name]]) for name in names]
    print(f"{'in .93 to .97':>25}  " + "  ".join(f"{share:.0%}".rjust(12) for share in within))
    print(f"{time.process_time() - started:.0f} processor seconds")


if __name__ == "__main__":
    main()
