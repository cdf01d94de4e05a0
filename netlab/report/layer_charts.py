"""Charts over the layers of networks: metrics over depth, and what each layer adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from netlab.comparison.assemblies import Assembly
from netlab.engine.metric_tags import with_arrow
from netlab.report.charts import FEW, Chart, View, axis, rounded
from netlab.report.colours import series_colour, series_marker
from netlab.runs.separability import stated_better


def depth_chart(assemblies: Sequence[Assembly]) -> Chart | None:
    """A metric over the layers in the order of execution, train against test, a view a metric."""
    views = []
    for metric in metrics_of(assemblies):
        traces, orders = [], []
        rows = (row for assembly in assemblies for run in assembly.runs.values() for row in run.separability)
        title = with_arrow(metric.upper(), stated_better(rows, metric))
        for position, assembly in enumerate(assemblies):
            for split, line in (("train", "solid"), ("test", "dash")):
                profile = layer_profile(assembly, metric, split)
                if not profile:
                    continue
                orders.append(list(profile))
                trace = {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": f"{assembly.name}, {split}",
                    "x": list(profile),
                    "y": [rounded(float(np.mean(values))) for values in profile.values()],
                    "line": {"color": series_colour(position), "dash": line, "width": 2},
                    "marker": series_marker(position),
                    "hovertemplate": "%{fullData.name}<br>%{x}: %{y:.4f}<extra></extra>",
                }
                if len(assemblies) <= FEW:  # bars of many series only hide one another
                    bars = [deviation(values) for values in profile.values()]
                    trace["error_y"] = {"type": "data", "array": bars}
                traces.append(trace)
        layer_axis = axis("layer, in the order of execution", type="category", tickangle=-45)
        layout = {
            "xaxis": {**layer_axis, "categoryorder": "array", "categoryarray": merged_order(orders)},
            "yaxis": axis(title),
            "height": 460,
        }
        views.append(View(title, {"data": traces, "layout": layout}))
    if not views:
        return None
    return Chart(
        "depth",
        "Separability by depth",
        "How well every layer separates the classes, on training and test images: the mean over seeds"
        + (", with its standard deviation." if len(assemblies) <= FEW else "."),
        views,
    )


def merged_order(orders: Sequence[Sequence[str]]) -> list[str]:
    """One order of layers that agrees with each: a layer that is new stands after the one before it.

    Assemblies have different layers (norms, say); where two orders contradict one another the first
    decides.
    """
    merged: list[str] = []
    for order in orders:
        place = 0
        for layer in order:
            if layer in merged:
                place = max(place, merged.index(layer) + 1)
            else:
                merged.insert(place, layer)
                place += 1
    return merged


def metrics_of(assemblies: Sequence[Assembly]) -> list[str]:
    """The metrics that were measured, in the order in which they are found; SI and CSI first."""
    found: dict[str, None] = {}
    for assembly in assemblies:
        for run in assembly.runs.values():
            found |= {row["metric"]: None for row in run.separability}
    return sorted(found, key=lambda metric: {"si": 0, "csi": 1}.get(metric, 2))


def layer_profile(assembly: Assembly, metric: str, split: str) -> dict[str, list[float]]:
    """The values of a metric by layer, over the seeds."""
    profile: dict[str, list[float]] = {}
    for run in assembly.runs.values():
        for row in run.separability:
            if row["metric"] == metric and row["split"] == split and row["value"] is not None:
                profile.setdefault(row["layer"], []).append(row["value"])
    return profile


def deviation(values: Sequence[float]) -> float:
    """Standard deviation over seeds, 0 for one."""
    return float(f"{np.std(values, ddof=1):.6g}") if len(values) > 1 else 0.0


def gain_chart(gains: Mapping[str, Sequence[Any]]) -> Chart | None:
    """What each layer adds to SI on the test images, a view an assembly."""
    views = []
    for label, layers in gains.items():
        if not layers:
            continue
        trace = {
            "type": "bar",
            "name": label,
            "x": [layer.name for layer in layers],
            "y": [rounded(layer.gain) for layer in layers],
            "marker": {
                "color": [series_colour(1) if layer.is_candidate else series_colour(0) for layer in layers],
                "pattern": {"shape": ["/" if layer.is_candidate else "" for layer in layers]},
            },
            "text": ["does not raise SI" if layer.is_candidate else "" for layer in layers],
            "textposition": "none",
            "hovertemplate": "%{x}: %{y:+.4f}<br>%{text}<extra></extra>",
        }
        layout = {
            "xaxis": axis("layer, in the order of execution", type="category", tickangle=-45),
            "yaxis": axis("change of SI on test images", zeroline=True),
            "height": 420,
            "showlegend": False,
        }
        views.append(View(label, {"data": [trace], "layout": layout}))
    if not views:
        return None
    return Chart(
        "gains",
        "What each layer adds",
        "The change of the Separation Index from the layer before, on test images, the mean over seeds;"
        " hatched bars do not raise it.",
        views,
    )
