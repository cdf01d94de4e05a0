"""The report's page: from run directories to one HTML text."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from netlab import __version__
from netlab.comparison.tables import counted
from netlab.errors import NetlabError
from netlab.report.detectors import (
    DetectorRecord,
    class_rows,
    detector_rows,
    pictures_of,
    precision_recall_chart,
    training_chart,
)
from netlab.report.networks import Contents, DataSection, data_sections, differences_of
from netlab.runs.record import RunRecord

TEMPLATES = Path(__file__).parent / "templates"


def render(records: Sequence[RunRecord], contents: Contents) -> str:
    """The report as HTML that loads nothing.

    Raises:
        NetlabError: the extra ``report`` is not installed.
        UsageError: there is no such baseline.
    """
    environment = template_environment()
    everything: list[RunRecord | DetectorRecord] = [*records, *contents.detectors]
    common = common_environment(everything)
    groups = data_sections(records, contents)
    detector_charts = {
        "precision_recall": precision_recall_chart(contents.detectors),
        "detector_training": training_chart(contents.detectors),
    }
    charts = {name: chart for name, chart in detector_charts.items() if chart is not None}
    drawn = [chart for group in groups for chart in group.charts.values()]
    return environment.get_template("page.html.j2").render(
        title=contents.title,
        version=__version__,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        css=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=(TEMPLATES / "report.js").read_text(encoding="utf-8"),
        plotly=plotly_script(),
        live=contents.state,
        common=common,
        runs=[run_details(record, common) for record in everything],
        summary=summary(records, groups, contents.detectors),
        warnings=contents.notes,
        groups=groups,
        charts=charts,
        chart_data=chart_json([*drawn, *charts.values()]),
        detectors=contents.detectors,
        detector_rows=detector_rows(contents.detectors),
        class_rows={detector.name: class_rows(detector) for detector in contents.detectors},
        detector_pictures=pictures_of(contents.detectors),
        detector_configuration=detector_differences(contents.detectors),
        plugin_sections=contents.plugin_sections,
        sections=section_list(groups, contents),
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


def summary(
    records: Sequence[RunRecord], groups: Sequence[DataSection], detectors: Sequence[DetectorRecord]
) -> str:
    """What the report is of, in a few words."""
    parts = []
    if records:
        finished = sum(record.finished for record in records)
        parts.append(f"{finished} finished of {counted(len(records), 'run')}")
        assemblies = sum(len(group.assemblies) for group in groups)
        parts.append(counted(assemblies, "assembly", "assemblies"))
        if len(groups) > 1:
            parts.append(counted(len(groups), "data set"))
    if detectors:
        parts.append(counted(len(detectors), "detector"))
    return ", ".join(parts)


def detector_differences(detectors: Sequence[DetectorRecord]) -> dict[str, Any]:
    """The values that differ between detectors, a column a detector."""
    return differences_of({detector.name: detector.config for detector in detectors})


def common_environment(records: Sequence[RunRecord | DetectorRecord]) -> dict[str, str]:
    """What most runs had of each value of ``environment.json``, as texts: said once."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        for key, value in record.environment.items():
            if key != "command":
                counts.setdefault(key, Counter())[environment_text(value)] += 1
    most = {key: count.most_common(1)[0] for key, count in counts.items()}
    return {key: text for key, (text, times) in most.items() if times > 1}


def run_details(record: RunRecord | DetectorRecord, common: Mapping[str, str]) -> dict[str, Any]:
    """Command of a run, and what of its environment is not the common one, as texts."""
    environment = dict(record.environment)
    command = environment.pop("command", None)
    words = command if isinstance(command, list) else []
    texts = {key: environment_text(value) for key, value in environment.items()}
    own = {key: text for key, text in texts.items() if common.get(key) != text}
    if texts:
        own |= dict.fromkeys(common.keys() - texts.keys(), "not recorded")
    return {
        "name": record.name,
        "command": shlex.join(map(str, words)) if words else "not recorded",
        "environment": list(own.items()),
    }


def environment_text(value: Any) -> str:
    """A value of ``environment.json`` in one cell."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(environment_text(item) for item in value)
    return str(value)


def section_list(groups: Sequence[DataSection], contents: Contents) -> list[tuple[str, str]]:
    """Identifier and name of every section that is there, for the navigation; a data set each, if several."""
    if len(groups) > 1:
        names = [(f"data{group.mark}", group.title) for group in groups]
    else:
        names = [place for group in groups for place in group.places()]
    if contents.detectors:
        names.append(("detection", "Detection"))
    names += [(f"plugin-{n}", s.title) for n, s in enumerate(contents.plugin_sections, start=1)]
    return [*names, ("environment", "Environment")]
