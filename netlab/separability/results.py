"""What a measurement leaves behind: the table as CSV and JSON, values a point, and curves over depth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netlab.errors import NetlabError
from netlab.files import csv_text, json_text, write_output
from netlab.kinds.metric import MetricResult
from netlab.runs.curves import save_figure
from netlab.runs.directory import read_json_object
from netlab.runs.manifest import write_checked
from netlab.separability.layer_report import COLUMNS, LayerReport, finite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESULT_KEYS = ("value", "standard_error", "low", "high", "seconds")
SPLIT_STYLES = {"train": ("#0072B2", "o", "-"), "test": ("#D55E00", "s", "--")}  # Okabe and Ito
MORE_STYLES = (("#009E73", "^", "-."), ("#CC79A7", "D", ":"))


def save(
    folder: Path, reports: Sequence[LayerReport], settings: Mapping[str, Any], order: Sequence[str]
) -> list[dict[str, Any]]:
    """Write ``separability.csv`` and, with classes, notes and settings, ``separability.json``.

    What the folder holds already is kept where it was measured with the same settings, so that a second
    metric joins the first; it is replaced where not, since only values on the same points compare.
    ``order`` are the names of all layers in the order of execution. Gives the rows of the CSV.
    """
    document = {"settings": _plain(settings), **to_json(reports)}
    before = _read(folder / "separability.json")
    if before is not None and before.get("settings") == document["settings"]:
        document["layers"] = _joined(before["layers"], document["layers"])
    places = {name: place for place, name in enumerate(order)}
    document["layers"].sort(key=lambda layer: places.get(layer["name"], len(places)))
    rows = rows_of(document)
    texts = {"separability.json": json_text(document), "separability.csv": csv_text(COLUMNS, rows)}
    write_checked(folder, texts)
    return rows


def _read(path: Path) -> dict[str, Any] | None:
    """What was measured before; None where nothing was.

    Raises:
        NetlabError: it is damaged: what it held would be lost.
    """
    if not path.exists():
        return None
    document = read_json_object(path, f"there is no {path}")
    try:
        for layer in document["layers"]:
            if not isinstance(layer["metrics"], dict):
                raise TypeError("a layer has no metrics")
            _ = layer["name"], layer["split"], layer["points"], layer["features"]
            for result in layer["metrics"].values():
                _ = [result[key] for key in RESULT_KEYS]
    except (KeyError, TypeError) as error:
        raise NetlabError(f"{path} is damaged ({error}): remove it to measure anew") from None
    return document


def _joined(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Layers of both, the metrics of ``new`` in the place of the same ones of ``old``."""
    joined = {(layer["name"], layer["split"]): layer for layer in old}
    for layer in new:
        key = (layer["name"], layer["split"])
        known = joined.get(key, layer)
        same = known["points"] == layer["points"] and known["features"] == layer["features"]
        metrics = {**known["metrics"], **layer["metrics"]} if same else layer["metrics"]
        joined[key] = {**layer, "metrics": metrics}
    return list(joined.values())


def rows_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a layer, split and metric, with ``COLUMNS``."""
    return [
        {
            "layer": layer["name"],
            "split": layer["split"],
            "metric": metric,
            "better": result.get("better"),
            **{key: result[key] for key in RESULT_KEYS},
            "points": layer["points"],
            "features": layer["features"],
        }
        for layer in document["layers"]
        for metric, result in layer["metrics"].items()
    ]


def write_points(
    path: Path, reports: Sequence[LayerReport], points: Mapping[str, tuple[Any, Sequence[str]]]
) -> None:
    """One row a layer, split and point, one column a metric that has values a point.

    ``points`` gives by split the points' original indices and their labels.
    """
    metrics = [
        name
        for name in dict.fromkeys(name for report in reports for name in report.results)
        if any(name in report.results and report.results[name].per_point is not None for report in reports)
    ]
    rows: list[dict[str, Any]] = []
    for report in reports:
        indices, labels = points[report.split]
        kept = range(len(labels)) if report.kept is None else report.kept
        for position, place in enumerate(kept):
            row: dict[str, Any] = {
                "layer": report.name,
                "split": report.split,
                "point": int(indices[place]),
                "label": labels[place],
            }
            for name in metrics:
                result = report.results.get(name)
                if result is not None and result.per_point is not None:
                    value = float(result.per_point[position])
                    row[name] = value if math.isfinite(value) else None
            rows.append(row)
    write_output(path, csv_text(["layer", "split", "point", "label", *metrics], rows))


def to_json(reports: Sequence[LayerReport]) -> dict[str, Any]:
    """``{"layers": [{"name", "split", "points", "features", "metrics": {name: {...}}}]}``."""
    return {
        "layers": [
            {
                "name": report.name,
                "split": report.split,
                "points": report.points,
                "features": report.features,
                "metrics": {
                    name: {
                        "better": report.better.get(name),
                        **_result(result),
                        "seconds": round(report.seconds[name], 4),
                    }
                    for name, result in report.results.items()
                },
            }
            for report in reports
        ]
    }


def _result(result: MetricResult) -> dict[str, Any]:
    return {
        "value": finite(result.value),
        "standard_error": finite(result.standard_error),
        "low": finite(result.interval and result.interval[0]),
        "high": finite(result.interval and result.interval[1]),
        "per_class": {name: finite(value) for name, value in result.per_class.items()},
        "notes": list(result.notes),
        "extra": _plain(result.extra),
    }


def _plain(value: Any) -> Any:
    """Numbers, lists and dictionaries that JSON has; NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, str, int)) or value is None:
        return value
    if isinstance(value, (float, np.floating)):
        return finite(float(value))
    if isinstance(value, np.integer):
        return int(value)
    return str(value)


def plot_curves(
    folder: Path, rows: Sequence[Mapping[str, Any]], metrics: Sequence[str], title: str
) -> list[Path]:
    """One figure a metric: its value over the layers, the splits beside one another.

    Writes ``separability-METRIC.png`` and ``.svg``. The bars are 95 % intervals.
    """
    paths: list[Path] = []
    for metric in metrics:
        chosen = [row for row in rows if row["metric"] == metric]
        layers = list(dict.fromkeys(row["layer"] for row in chosen))
        if len(layers) < 2 or not curves_of(chosen, layers):
            continue
        folder.mkdir(exist_ok=True)
        figure = metrics_figure(chosen, [metric], title)
        paths += save_figure(figure, folder / f"separability-{metric}")
    return paths


def metrics_figure(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str], title: str) -> Figure:
    """Metrics over the layers, one below another, the splits together; the bars are 95 % intervals."""
    from matplotlib.figure import Figure

    layers = list(dict.fromkeys(row["layer"] for row in rows))
    size = (max(6.0, 0.42 * len(layers) + 2.2), 3.6 * len(metrics) + 0.8)
    figure = Figure(figsize=size, layout="constrained")
    for metric, axes in zip(metrics, figure.subplots(len(metrics), squeeze=False).flat, strict=True):
        curves = curves_of([row for row in rows if row["metric"] == metric], layers)
        draw_curves(axes, layers, curves)
        axes.set_ylabel(metric)
        axes.set_title(f"{metric} of every layer: {title}" if title else metric, fontsize=11)
        if len(curves) > 1:
            axes.legend(frameon=False)
    return figure


def curves_of(rows: Sequence[Mapping[str, Any]], layers: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """Values of one metric over the layers, and how far its interval reaches below and above, by split.

    float64 (layers,) and (2, layers); NaN where not measured.
    """
    curves = {}
    for split in dict.fromkeys(row["split"] for row in rows):
        values, reach = np.full(len(layers), np.nan), np.zeros((2, len(layers)))
        for row in rows:
            if row["split"] == split and row["value"] is not None and row["layer"] in layers:
                at = layers.index(row["layer"])
                values[at] = row["value"]
                if row["low"] is not None and row["high"] is not None:
                    reach[:, at] = row["value"] - row["low"], row["high"] - row["value"]
        if np.isfinite(values).any():
            curves[split] = (values, reach)
    return curves


def draw_curves(axes: Any, layers: Sequence[str], curves: Mapping[str, tuple[Any, Any]]) -> None:
    """Draw curves over depth with the layers' names on the axis."""
    more = iter(MORE_STYLES * len(curves))
    places = np.arange(len(layers))
    for split, (values, reach) in curves.items():
        colour, marker, line = SPLIT_STYLES.get(split) or next(more)
        axes.errorbar(
            places, values, yerr=reach if reach.any() else None, color=colour, marker=marker,
            markersize=4.5, linestyle=line, linewidth=1.6, elinewidth=0.9, capsize=2, label=split,
        )  # fmt: skip
    axes.set_xticks(places, layers, rotation=45 if max(map(len, layers)) <= 14 else 90, fontsize=9)
    for text in axes.get_xticklabels():
        text.set_ha("right" if max(map(len, layers)) <= 14 else "center")
        text.set_rotation_mode("anchor" if max(map(len, layers)) <= 14 else "default")
    axes.set_xlabel("layer, in the order of execution")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.03)
