"""The sections about networks: a group of them for each data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from netlab.comparison.assemblies import Assembly, comparable_config, group_assemblies
from netlab.comparison.comparison import Comparison, compare, compare_groups
from netlab.comparison.data_groups import DataGroup, group_by_data
from netlab.comparison.tables import overview_columns, overview_rows, signed, with_digits
from netlab.engine.metric_tags import with_arrow
from netlab.kinds.events import ReportSection
from netlab.report import charts, layer_charts
from netlab.report.charts import Chart
from netlab.report.detectors import DetectorRecord
from netlab.report.layers import LayerGain, layer_gains
from netlab.report.pictures import HardImage
from netlab.runs.record import RunRecord
from netlab.runs.separability import last_layer_value, stated_better


@dataclass(frozen=True, slots=True)
class HardImages:
    """The pictures of a run's hardest images, or why there are none."""

    run: str
    layer: str = ""
    images: Sequence[HardImage] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a report shows beside the runs themselves. ``notes`` are problems that a reader must see."""

    title: str = "netlab report"
    baseline: str | None = None
    force: bool = False
    notes: Sequence[str] = ()
    hard: Mapping[str, HardImages] = field(default_factory=dict)  # by the title of the data
    plugin_sections: Sequence[ReportSection] = ()
    state: str = ""  # of a served report: what it was made from
    metrics: Sequence[str] = field(default=("si", "csi"))
    detectors: Sequence[DetectorRecord] = ()


@dataclass(frozen=True, slots=True)
class DataSection:
    """What the page shows of the networks that were trained on one data set.

    ``mark`` ends the identifiers of its elements. ``overview`` is None where nothing is finished, ``hard``
    where no pictures are wanted.
    """

    title: str
    mark: str
    assemblies: Sequence[Assembly]
    warnings: Sequence[str]
    findings: Sequence[Mapping[str, str]]
    nothing_compared: str
    baseline: str
    overview: Mapping[str, Any] | None
    leaderboard: Mapping[str, Any]
    charts: Mapping[str, Chart]
    candidates: Mapping[str, Sequence[LayerGain]]
    hard: HardImages | None
    configuration: Mapping[str, Any]

    def places(self) -> list[tuple[str, str]]:
        """Identifier and name of the sections that are there."""
        names = [
            ("differences", "What differed", True),
            ("leaderboard", "Leaderboard", True),
            ("curves", "Curves", "curves" in self.charts),
            ("depth", "Separability", "depth" in self.charts),
            ("gains", "Layers", "gains" in self.charts),
            ("confusion", "Confusion", "confusion" in self.charts),
            ("hardest", "Hardest images", self.hard is not None),
            ("configuration", "Configuration", True),
        ]
        return [(f"{identifier}{self.mark}", name) for identifier, name, there in names if there]


def data_groups(records: Sequence[RunRecord], *, force: bool) -> list[DataGroup]:
    """The runs by their data; with ``force`` all in one group."""
    groups = group_by_data(records)
    if force and len(groups) > 1:
        return [DataGroup("; ".join(group.title for group in groups), list(records))]
    return groups


def data_sections(records: Sequence[RunRecord], contents: Contents) -> list[DataSection]:
    """The sections of every data set, in the order in which the runs come.

    Raises:
        UsageError: there is no such baseline.
    """
    groups = data_groups(records, force=contents.force)
    if contents.force:
        finished = [record for record in records if record.finished]
        comparisons: list[Comparison | None] = [
            compare(finished, baseline=contents.baseline, metrics=contents.metrics, force=True)
            if finished
            else None
            for _ in groups
        ]
    else:
        comparisons = compare_groups(groups, baseline=contents.baseline, metrics=contents.metrics)
    return [
        data_section(group, comparison, contents, mark=f"-{place}" if place > 1 else "")
        for place, (group, comparison) in enumerate(zip(groups, comparisons, strict=True), start=1)
    ]


def data_section(
    group: DataGroup, comparison: Comparison | None, contents: Contents, *, mark: str
) -> DataSection:
    """What is shown of the runs on one data set."""
    # Unfinished runs have curves too, so they are grouped with the finished ones.
    assemblies = group_assemblies(group.records)
    gains = {assembly.name: layer_gains(assembly) for assembly in assemblies}
    gains = {label: layers for label, layers in gains.items() if layers}
    found = {
        "differences": charts.difference_chart(comparison) if comparison else None,
        "curves": charts.curve_chart(assemblies),
        "depth": layer_charts.depth_chart(assemblies),
        "gains": layer_charts.gain_chart(gains),
        "confusion": charts.confusion_chart(assemblies),
    }
    return DataSection(
        title=group.title,
        mark=mark,
        assemblies=assemblies,
        warnings=comparison.warnings if comparison else [],
        findings=findings(comparison) if comparison else [],
        nothing_compared=nothing_compared(comparison),
        baseline=comparison.baseline.name if comparison else "",
        overview=overview(comparison) if comparison else None,
        leaderboard=leaderboard(group.records, assemblies, contents.metrics),
        charts={
            name: replace(chart, id=f"{chart.id}{mark}") for name, chart in found.items() if chart is not None
        },
        candidates=candidates(gains),
        hard=contents.hard.get(group.title),
        configuration=configuration_differences(assemblies),
    )


def findings(comparison: Comparison) -> list[dict[str, str]]:
    """One sentence an assembly about its test accuracy against the baseline."""
    entries = comparison.entries.get("test_accuracy", {})
    found = []
    for assembly in comparison.assemblies:
        entry = entries.get(assembly.name)
        if entry is None or entry.difference is None:
            continue
        difference = entry.difference
        text = f"test accuracy {signed(difference.mean, 4)}"
        if difference.verdict in ("higher", "lower", "within noise"):
            text += f" ± {with_digits((difference.high - difference.low) / 2, 4)}"
        text += f" against “{comparison.baseline.name}” over {difference.n} seeds: {difference.verdict}"
        found.append({"label": assembly.name, "text": text, "kind": difference.verdict.replace(" ", "-")})
    return found


def nothing_compared(comparison: Comparison | None) -> str:
    """Why there is no finding."""
    if comparison is None:
        return "No run is finished yet."
    return "All runs are of one assembly: there is nothing to compare it with."


def overview(comparison: Comparison) -> dict[str, Any]:
    """The table of means and deviations."""
    return {"columns": overview_columns(comparison), "rows": overview_rows(comparison)}


def leaderboard(
    records: Sequence[RunRecord], assemblies: Sequence[Assembly], metrics: Sequence[str]
) -> dict[str, Any]:
    """Every run with its figures, in the order in which they came; it ranks nothing by itself."""
    label_of = {run.name: assembly.name for assembly in assemblies for run in assembly.runs.values()}
    separability = [(metric, split) for metric in metrics for split in ("train", "test")]
    measured = [row for record in records for row in record.separability]
    texts = ("run", "assembly", "state")
    titles = [
        *texts, "seed", "epochs", "test accuracy ↑", "best validation ↑", "parameters",
        *(
            with_arrow(f"{metric.upper()} {split}", stated_better(measured, metric))
            for metric, split in separability
        ),
        "seconds/epoch ↓",
    ]  # fmt: skip
    rows = []
    for record in records:
        result = record.result
        values = [last_layer_value(record.separability, *pair) for pair in separability]
        rows.append(
            [
                record.name,
                label_of.get(record.name, "an earlier run of the same assembly and seed"),
                "finished" if record.finished else "unfinished",
                str(record.seed),
                str(len(record.history)),
                figure(result.get("test_accuracy"), 4),
                figure(result.get("best_val_balanced_accuracy"), 4),
                figure(result.get("parameters"), 0),
                *(figure(value, 4) for value in values),
                figure(result.get("seconds_per_epoch"), 2),
            ]
        )
    return {"columns": [{"title": title, "number": title not in texts} for title in titles], "rows": rows}


def figure(value: Any, digits: int) -> str:
    """A number as text, a dash where there is none."""
    return with_digits(float(value), digits) if isinstance(value, int | float) else "-"


def candidates(gains: Mapping[str, Sequence[LayerGain]]) -> dict[str, list[LayerGain]]:
    """The layers that do not raise SI, by assembly."""
    return {label: [layer for layer in layers if layer.is_candidate] for label, layers in gains.items()}


def configuration_differences(assemblies: Sequence[Assembly]) -> dict[str, Any]:
    """The values that differ between assemblies, a column an assembly."""
    return differences_of({a.name: comparable_config(a.config) for a in assemblies})


def differences_of(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The values of configurations that are not the same in all of them."""
    flat = [
        {
            f"{table}.{key}": value
            for table, values in config.items()
            for key, value in (values.items() if isinstance(values, Mapping) else [("", values)])
        }
        for config in configs.values()
    ]
    keys = {key: None for values in flat for key in values}
    rows = []
    for key in keys:
        values = [str(values.get(key, "–")) for values in flat]
        if len(set(values)) > 1:
            rows.append((key, values))
    return {"columns": list(configs), "rows": rows}
