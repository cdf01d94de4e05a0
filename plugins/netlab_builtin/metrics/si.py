"""The Separation Index."""

from __future__ import annotations

from typing import Any

from netlab.kinds.metric import MetricResult, NearestDecision, Space


def separation_index(space: Space, *, options: Any) -> MetricResult:
    """Separation Index: the share of points whose nearest other point has their own label.

    Formula: SI = 1/n Σ_i [y_i = y_nn(i)], nn(i) = argmin_{j≠i} ‖x_i - x_j‖.
    Range: 0 to 1; on random labels about Σ_k n_k (n_k - 1) / (n (n - 1)), which ``chance_adjusted``
    maps to 0 (and 1 to 1). A point alone in its class counts 0.
    Ties: points at exactly the least distance, in float64. ``fractional`` counts a point with the
    share of its own label among them, so that the order of the points does not matter; ``lowest-index``
    takes the first of them, as the published implementation does; ``optimistic`` takes one of its own
    label if there is one, ``pessimistic`` one of another label.
    Source: Kalhor et al., Evaluation of dataflow through layers of deep neural networks in
    classification and regression problems, 2023.
    """
    nearest = space.neighbours.nearest
    values = by_ties(nearest, space.codes[space.queries], options.ties)
    n, counts = space.n, space.counts
    chance = float((counts * (counts - 1)).sum() / (n * (n - 1)))
    si = float(values.mean())
    tied = int((nearest.any_own & ~nearest.all_own).sum())
    extra = {
        "chance": chance,
        "chance_adjusted": (si - chance) / (1 - chance) if chance < 1 else None,
        "optimistic": float(nearest.any_own.mean()),
        "pessimistic": float(nearest.all_own.mean()),
        "mixed_ties": tied,
    }
    effect = space.halves.design_effect(space.halves.own_neighbours(1)[..., 0])
    return MetricResult.from_points(
        values, space, design_effect=effect, between=(0, 1), extra=extra, notes=singleton_notes(space)
    )


def by_ties(nearest: NearestDecision, codes: Any, ties: str) -> Any:
    """Whether the nearest point has the point's label, by the rule for ties: float (m,)."""
    return {
        "fractional": nearest.own,
        "optimistic": nearest.any_own,
        "pessimistic": nearest.all_own,
        "lowest-index": nearest.first == codes,
    }[ties]


def singleton_notes(space: Space) -> tuple[str, ...]:
    """Say so when a class has a single point."""
    alone = [name for name, count in zip(space.class_names, space.counts, strict=True) if count == 1]
    if not alone:
        return ()
    shown = ", ".join(alone[:5]) + (f" and {len(alone) - 5} more" if len(alone) > 5 else "")
    return (f"a class with a single point counts 0: {shown}",)
