"""A sweep that adds seeds to what is not clear yet, until everything is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from netlab.comparison.assemblies import config_key
from netlab.comparison.comparison import Comparison
from netlab.comparison.sequential import SequentialRule, Sureness, judge
from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.sweep.run import SweepOutcome, SweepSettings, SweepWatcher, Workers, sweep


def sweep_until_sure(
    catalog: Catalog,
    grids: Sequence[Mapping[str, Any]],
    settings: SweepSettings,
    workers: Workers,
    watcher: SweepWatcher,
    rule: SequentialRule,
) -> SweepOutcome | None:
    """Sweep with the first number of seeds of ``rule``; then again with more, of those assemblies whose
    difference in test accuracy is undecided and of their baselines.

    What each look finds is computed of the runs that are there then, so the same command again comes to the
    same end. None where ``watcher`` declines a plan.

    Raises:
        UsageError: as ``sweep``; or the rule begins with more seeds than it ends with.
    """
    if rule.first > rule.most:
        raise UsageError(f"--seeds {rule.first} is more than --most-seeds {rule.most}")
    undecided: frozenset[str] | None = None
    outcome: SweepOutcome | None = None
    for seeds in rule.looks:
        outcome = sweep(catalog, with_seeds(grids, seeds), settings, workers, watcher, among=undecided)
        if outcome is None:
            return None
        settings = replace(settings, name=outcome.name)
        found = judge(outcome.comparisons, rule)
        outcome = replace(outcome, sureness=found)
        undecided = still_open(outcome.comparisons, found)
        if not undecided:
            break
    return outcome


def with_seeds(grids: Sequence[Mapping[str, Any]], seeds: int) -> list[dict[str, Any]]:
    """The grids with the seeds 0, 1, ..."""
    return [
        {**tables, "training": {**tables.get("training", {}), "seed": list(range(seeds))}} for tables in grids
    ]


def still_open(comparisons: Sequence[Comparison], found: Sureness) -> frozenset[str]:
    """The configurations, as text, of undecided assemblies and of the baselines of these."""
    keys = set()
    for comparison in comparisons:
        names = {
            row.assembly
            for row in found.differences
            if row.data == comparison.data and row.verdict == "undecided"
        }  # fmt: skip
        if names:
            names.add(comparison.baseline.name)
        keys |= {config_key(each.config) for each in comparison.assemblies if each.name in names}
    return frozenset(keys)
