"""Every measure of every assembly, against a baseline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from netlab.comparison.assemblies import Assembly, group_assemblies
from netlab.comparison.data_groups import DataGroup, group_by_data, require_same_data
from netlab.comparison.statistics import Difference, Summary, corrected, mean_and_deviation, paired_difference
from netlab.engine.metric_tags import with_arrow
from netlab.errors import UsageError, closest
from netlab.runs.choose import choose_runs
from netlab.runs.directory import RunDirectory
from netlab.runs.record import Repetition, RunRecord, read_records
from netlab.runs.result import has_unequal_classes
from netlab.runs.separability import last_layer_value, stated_better


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a run. ``digits`` after the point; ``exact`` ones do not vary with the seed."""

    key: str
    title: str
    value: Callable[[RunRecord], float | None]
    digits: int
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One measure of one assembly; ``difference`` is None for the baseline and where it has no value."""

    summary: Summary
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The assemblies, baseline first; ``entries[measure.key][assembly]`` where there are values.

    ``data`` names the images that all were trained on, or those of a comparison that was forced.
    """

    data: str
    assemblies: list[Assembly]
    baseline: Assembly
    measures: list[Measure]
    entries: dict[str, dict[str, Entry]]
    warnings: list[str]


def result_figure(key: str) -> Callable[[RunRecord], float | None]:
    """A number of ``result.json``."""

    def value(record: RunRecord) -> float | None:
        found = record.result.get(key)
        return float(found) if isinstance(found, int | float) else None

    return value


def balanced_accuracy(record: RunRecord) -> float | None:
    """The mean recall of the classes of the test images, where these are so unequal that it matters."""
    if not has_unequal_classes(record.result):
        return None
    return result_figure("test_balanced_accuracy")(record)


def separability_figure(metric: str, split: str) -> Callable[[RunRecord], float | None]:
    """A metric of the last layer that was measured."""
    return lambda record: last_layer_value(record.separability, metric, split)


def make_measures(metrics: Sequence[str], records: Sequence[RunRecord]) -> list[Measure]:
    """Parameters, test accuracy (of unequal classes balanced too), each metric of the last layer on train and
    test, seconds an epoch.

    A title says which way is better; of a metric, as the records of its values say.
    """
    rows = [row for record in records for row in record.separability]
    separability = [
        Measure(
            f"{metric}_{split}",
            with_arrow(f"{metric.upper()} of the last layer, {split}", stated_better(rows, metric)),
            separability_figure(metric, split),
            4,
        )
        for metric in metrics
        for split in ("train", "test")
    ]
    return [
        Measure("parameters", "parameters", result_figure("parameters"), 0, exact=True),
        Measure("test_accuracy", with_arrow("test accuracy", "higher"), result_figure("test_accuracy"), 4),
        Measure("test_balanced_accuracy", with_arrow("balanced accuracy", "higher"), balanced_accuracy, 4),
        *separability,
        Measure(
            "seconds_per_epoch",
            with_arrow("seconds an epoch", "lower"),
            result_figure("seconds_per_epoch"),
            2,
        ),
    ]


def compare(
    records: Sequence[RunRecord],
    *,
    baseline: str | None = None,
    metrics: Sequence[str] = ("si", "csi"),
    force: bool = False,
) -> Comparison:
    """Compare the assemblies of the finished runs among ``records``, which must be of one data set.

    ``baseline`` is an assembly's name or the name of one of its runs; by default the first.

    Raises:
        UsageError: nothing is finished, the runs have different data (without ``force``), or there is
            no such baseline.
    """
    finished = [record for record in records if record.finished]
    if not finished:
        raise UsageError("there is nothing to compare: no run is finished")
    warnings = require_same_data(finished, force=force)
    assemblies = group_assemblies(finished)
    base = find_baseline(assemblies, baseline)
    assemblies = [base, *(assembly for assembly in assemblies if assembly is not base)]
    measures, entries = [], {}
    for measure in make_measures(metrics, finished):
        found = entries_of(measure, assemblies, base)
        if found:
            measures.append(measure)
            entries[measure.key] = found
    data = "; ".join(group.title for group in group_by_data(finished))
    entries, count = correct_together(entries)
    warnings += cautions(assemblies)
    if count > 1:
        warnings.append(f"95 % for all {count} differences together (Holm): each interval is wider for it")
    return Comparison(data, assemblies, base, measures, entries, warnings)


def compare_by_data(
    records: Sequence[RunRecord],
    *,
    baseline: str | None = None,
    metrics: Sequence[str] = ("si", "csi"),
    force: bool = False,
) -> list[Comparison]:
    """A comparison for each data set that finished runs have; with ``force``, one of all of them.

    Raises:
        UsageError: nothing is finished, or there is no such baseline (see ``compare_groups``).
    """
    groups = group_by_data([record for record in records if record.finished])
    if force or not groups:
        return [compare(records, baseline=baseline, metrics=metrics, force=force)]
    found = compare_groups(groups, baseline=baseline, metrics=metrics)
    return [comparison for comparison in found if comparison is not None]


def compare_groups(
    groups: Sequence[DataGroup], *, baseline: str | None = None, metrics: Sequence[str] = ("si", "csi")
) -> list[Comparison | None]:
    """A comparison for each group; None where no run is finished.

    ``baseline`` is an assembly's name or the name of one of its runs, in one group at least; the others
    have their first assembly instead.

    Raises:
        UsageError: there is no such baseline in any group.
    """
    known = [group_assemblies([record for record in group.records if record.finished]) for group in groups]
    has = [baseline is not None and called(assemblies, baseline) is not None for assemblies in known]
    if any(known) and baseline is not None and not any(has):
        find_baseline([assembly for assemblies in known for assembly in assemblies], baseline)
    return [
        replace(compare(group.records, baseline=baseline if own else None, metrics=metrics), data=group.title)
        if assemblies
        else None
        for group, assemblies, own in zip(groups, known, has, strict=True)
    ]


def find_baseline(assemblies: Sequence[Assembly], name: str | None) -> Assembly:
    """The assembly with this name or with a run of this name; the first when none is named."""
    if name is None:
        return assemblies[0]
    if (found := called(assemblies, name)) is not None:
        return found
    known = [assembly.name for assembly in assemblies]
    listed = f" Known: {'; '.join(known)}."
    raise UsageError(f"--baseline {name}: there is no such assembly or run.{closest(name, known) or listed}")


def called(assemblies: Sequence[Assembly], name: str) -> Assembly | None:
    """The assembly that is called so, or has a run of this name."""
    for assembly in assemblies:
        if name == assembly.name or any(name == run.name for run in assembly.runs.values()):
            return assembly
    return None


def entries_of(measure: Measure, assemblies: Sequence[Assembly], base: Assembly) -> dict[str, Entry]:
    """The entries of a measure, of those assemblies that have values."""
    values = {assembly.name: values_of(measure, assembly) for assembly in assemblies}
    return {
        name: Entry(
            mean_and_deviation(own),
            None if name == base.name or measure.exact else paired_difference(own, values[base.name]),
        )
        for name, own in values.items()
        if own
    }


def correct_together(entries: dict[str, dict[str, Entry]]) -> tuple[dict[str, dict[str, Entry]], int]:
    """Intervals that hold for all measures and assemblies together, and of how many differences."""
    places = [
        (key, label, entry, entry.difference)
        for key, found in entries.items()
        for label, entry in found.items()
        if entry.difference is not None
    ]
    differences = corrected([difference for _, _, _, difference in places])
    result = {key: dict(found) for key, found in entries.items()}
    for (key, label, entry, _), difference in zip(places, differences, strict=True):
        result[key][label] = replace(entry, difference=difference)
    return result, sum(math.isfinite(difference.error) for difference in differences)


def values_of(measure: Measure, assembly: Assembly) -> dict[Repetition, float]:
    """The values of a measure by seed and fold, where there is one."""
    found = {repetition: measure.value(run) for repetition, run in assembly.runs.items()}
    return {repetition: value for repetition, value in found.items() if value is not None}


def cautions(assemblies: Sequence[Assembly]) -> list[str]:
    """What a reader must know before believing a difference."""
    notes = []
    if any(len({fold for _, fold in assembly.runs}) > 1 for assembly in assemblies):
        notes.append(
            "folds share training images, so intervals over them are too narrow (Nadeau and Bengio 2003)"
        )
    single = [assembly.name for assembly in assemblies if len(assembly.runs) < 2]
    if len(single) == len(assemblies) > 1:
        notes.append("one seed each: no difference below can be told from noise, and the order is no ranking")
    elif single and len(assemblies) > 1:
        notes.append(f"one seed only, so no interval: {'; '.join(single)}")
    return notes


def compare_directories(
    directories: Sequence[RunDirectory],
    *,
    baseline: str | None = None,
    metrics: Sequence[str] = ("si", "csi"),
    force: bool = False,
    note: Callable[[str], None] = lambda line: None,
) -> list[Comparison]:
    """A comparison for each data set of the runs in these directories; ``note`` gets what is left out.

    Raises:
        UsageError: as ``compare_by_data``.
    """
    records, problems = read_records(list(directories))
    for problem in problems:
        note(problem)
    for record in records:
        if not record.finished:
            epochs = record.config["training"].get("epochs", "?")
            note(f"'{record.name}' is not finished (epoch {len(record.history)} of {epochs}): left out")
    return compare_by_data(records, baseline=baseline, metrics=metrics, force=force)


def compare_runs(
    names: Sequence[str],
    runs: Path,
    *,
    sweep: str | None = None,
    baseline: str | None = None,
    metrics: Sequence[str] = ("si", "csi"),
    force: bool = False,
    note: Callable[[str], None] = lambda line: None,
) -> list[Comparison]:
    """A comparison for each data set of the runs called ``names``, or of a sweep, or of all in ``runs``.

    ``baseline`` is by default the one that the sweep recorded, else the first assembly.

    Raises:
        UsageError: as ``choose_runs`` and ``compare_by_data``.
    """
    directories, recorded = choose_runs(names, runs, sweep=sweep)
    chosen = baseline if baseline is not None else recorded
    return compare_directories(directories, baseline=chosen, metrics=metrics, force=force, note=note)
