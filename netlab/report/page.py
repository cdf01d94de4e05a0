"""The report's page: from run directories to one HTML text."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from netlab import __version__
from netlab.comparison.assemblies import Assembly, comparable_config, group_assemblies
from netlab.comparison.comparison import Comparison, compare
from netlab.comparison.tables import counted, number, overview_columns, overview_rows, signed
from netlab.errors import NetlabError
from netlab.kinds.events import ReportSection
from netlab.report import charts as draw
from netlab.report.detectors import (
    DetectorRecord,
    class_rows,
    detector_rows,
    pictures_of,
    precision_recall_chart,
    training_chart,
)
from netlab.report.layers import LayerGain, layer_gains
from netlab.report.pictures import HardImage
from netlab.runs.record import RunRecord
from netlab.runs.separability import last_layer_value

TEMPLATES = Path(__file__).parent / "templates"


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
    hard: HardImages | None = None
    plugin_sections: Sequence[ReportSection] = ()
    state: str = ""  # of a served report: what it was made from
    metrics: Sequence[str] = field(default=("si", "csi"))
    detectors: Sequence[DetectorRecord] = ()


def render(records: Sequence[RunRecord], contents: Contents) -> str:
    """The report as HTML that loads nothing.

    Raises:
        NetlabError: the extra ``report`` is not installed.
        UsageError: the runs have different data or splits, without ``force``.
    """
    environment = template_environment()
    finished = [record for record in records if record.finished]
    comparison = None
    if finished:
        comparison = compare(
            finished, baseline=contents.baseline, metrics=contents.metrics, force=contents.force
        )
    # Unfinished runs have curves too, so they are grouped with the finished ones.
    assemblies = group_assemblies(records)
    gains = {assembly.label: layer_gains(assembly) for assembly in assemblies}
    gains = {label: layers for label, layers in gains.items() if layers}
    found = {
        "differences": draw.difference_chart(comparison) if comparison else None,
        "curves": draw.curve_chart(assemblies),
        "depth": draw.depth_chart(assemblies),
        "gains": draw.gain_chart(gains),
        "confusion": draw.confusion_chart(assemblies),
        "precision_recall": precision_recall_chart(contents.detectors),
        "detector_training": training_chart(contents.detectors),
    }
    charts = {name: chart for name, chart in found.items() if chart is not None}
    return environment.get_template("page.html.j2").render(
        title=contents.title,
        version=__version__,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        css=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=(TEMPLATES / "report.js").read_text(encoding="utf-8"),
        plotly=plotly_script(),
        live=contents.state,
        runs=[*map(run_details, records), *map(run_details, contents.detectors)],
        networks=len(records),
        summary=summary(records, assemblies, contents.detectors),
        assemblies=assemblies,
        warnings=[*(comparison.warnings if comparison else []), *contents.notes],
        findings=findings(comparison) if comparison else [],
        nothing_compared=nothing_compared(comparison),
        baseline=comparison.baseline.label if comparison else "",
        overview=overview(comparison) if comparison else None,
        leaderboard=leaderboard(records, assemblies, contents.metrics),
        charts=charts,
        chart_data=chart_json(charts.values()),
        candidates=candidates(gains),
        hard=contents.hard,
        configuration=configuration_differences(assemblies),
        detectors=contents.detectors,
        detector_rows=detector_rows(contents.detectors),
        class_rows={detector.name: class_rows(detector) for detector in contents.detectors},
        detector_pictures=pictures_of(contents.detectors),
        detector_configuration=detector_differences(contents.detectors),
        plugin_sections=contents.plugin_sections,
        sections=section_list(charts, contents, networks=bool(records)),
    )


def template_environment() -> Any:
    """Jinja's environment, with everything escaped that is not marked as safe."""
    try:
        import jinja2
    except ImportError:
        raise missing_extra("jinja2") from None
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )


def plotly_script() -> str:
    """Plotly's own script, from the installed package."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise missing_extra("plotly") from None
    return str(get_plotlyjs())


def missing_extra(package: str) -> NetlabError:
    return NetlabError(f"the report needs {package}: pip install 'netlab-vision[report]'")


def chart_json(charts: Any) -> str:
    """The charts for the page's script; ``<`` is written as an escape, so that no text ends the element."""
    views = {
        chart.id: [{"label": view.label, "figure": view.figure} for view in chart.views] for chart in charts
    }
    text = json.dumps(views, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def findings(comparison: Comparison) -> list[dict[str, str]]:
    """One sentence an assembly about its test accuracy against the baseline."""
    entries = comparison.entries.get("test_accuracy", {})
    found = []
    for assembly in comparison.assemblies:
        entry = entries.get(assembly.label)
        if entry is None or entry.difference is None:
            continue
        difference = entry.difference
        text = f"test accuracy {signed(difference.mean, 4)}"
        if difference.verdict in ("higher", "lower", "within noise"):
            text += f" ± {number((difference.high - difference.low) / 2, 4)}"
        text += f" against “{comparison.baseline.label}” over {difference.n} seeds: {difference.verdict}"
        found.append({"label": assembly.label, "text": text, "kind": difference.verdict.replace(" ", "-")})
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
    label_of = {run.name: assembly.label for assembly in assemblies for run in assembly.runs.values()}
    separability = [(metric, split) for metric in metrics for split in ("train", "test")]
    texts = ("run", "assembly", "state")
    titles = [
        *texts, "seed", "epochs", "test accuracy", "best validation", "parameters",
        *(f"{metric.upper()} {split}" for metric, split in separability), "seconds/epoch",
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
                figure(result.get("best_val_accuracy"), 4),
                figure(result.get("parameters"), 0),
                *(figure(value, 4) for value in values),
                figure(result.get("seconds_per_epoch"), 2),
            ]
        )
    return {"columns": [{"title": title, "number": title not in texts} for title in titles], "rows": rows}


def figure(value: Any, digits: int) -> str:
    """A number as text, a dash where there is none."""
    return number(float(value), digits) if isinstance(value, int | float) else "-"


def candidates(gains: Mapping[str, Sequence[LayerGain]]) -> dict[str, list[LayerGain]]:
    """The layers that do not raise SI, by assembly."""
    return {label: [layer for layer in layers if layer.is_candidate] for label, layers in gains.items()}


def summary(
    records: Sequence[RunRecord], assemblies: Sequence[Assembly], detectors: Sequence[DetectorRecord]
) -> str:
    """What the report is of, in a few words."""
    parts = []
    if records:
        finished = sum(record.finished for record in records)
        parts.append(f"{finished} finished of {counted(len(records), 'run')}")
        parts.append(counted(len(assemblies), "assembly", "assemblies"))
    if detectors:
        parts.append(counted(len(detectors), "detector"))
    return ", ".join(parts)


def configuration_differences(assemblies: Sequence[Assembly]) -> dict[str, Any]:
    """The values that differ between assemblies, a column an assembly."""
    return differences_of({a.label: comparable_config(a.config) for a in assemblies})


def detector_differences(detectors: Sequence[DetectorRecord]) -> dict[str, Any]:
    """The values that differ between detectors, a column a detector."""
    return differences_of({detector.name: detector.config for detector in detectors})


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


def run_details(record: RunRecord | DetectorRecord) -> dict[str, Any]:
    """Command and environment of a run, as texts."""
    environment = dict(record.environment)
    command = environment.pop("command", None)
    words = command if isinstance(command, list) else []
    return {
        "name": record.name,
        "command": shlex.join(map(str, words)) if words else "not recorded",
        "environment": [(key, environment_text(value)) for key, value in environment.items()],
    }


def environment_text(value: Any) -> str:
    """A value of ``environment.json`` in one cell."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(environment_text(item) for item in value)
    return str(value)


def section_list(charts: Mapping[str, Any], contents: Contents, *, networks: bool) -> list[tuple[str, str]]:
    """Identifier and name of every section that is there, for the navigation."""
    names = [
        ("differences", "What differed", networks),
        ("leaderboard", "Leaderboard", networks),
        ("curves", "Curves", "curves" in charts),
        ("depth", "Separability", "depth" in charts),
        ("gains", "Layers", "gains" in charts),
        ("confusion", "Confusion", "confusion" in charts),
        ("hardest", "Hardest images", contents.hard is not None),
        ("configuration", "Configuration", networks),
        ("detection", "Detection", bool(contents.detectors)),
        *((f"plugin-{n}", s.title, True) for n, s in enumerate(contents.plugin_sections, start=1)),
        ("environment", "Environment", True),
    ]
    return [(identifier, name) for identifier, name, there in names if there]
