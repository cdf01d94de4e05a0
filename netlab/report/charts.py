"""The report's charts as Plotly figures: plain dictionaries of ``data`` and ``layout``.

A chart has one or more views, of which the reader chooses one. Colours of text, grid and background
are the page's, since they follow its light or dark mode.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netlab.comparison.assemblies import Assembly
from netlab.comparison.comparison import Comparison, Measure
from netlab.report.colours import series_colour
from netlab.runs.record import RunRecord

Figure = dict[str, Any]
FEW = 3  # assemblies whose error bars can be told apart


@dataclass(frozen=True, slots=True)
class View:
    """One figure of a chart, by the label that chooses it."""

    label: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: an identifier, a title, what it shows in words (the alternative text), its views."""

    id: str
    title: str
    alt: str
    views: list[View]

    @property
    def height(self) -> int:
        """Of the first view, in pixels: room that is kept until it is drawn."""
        return int(self.views[0].figure["layout"]["height"])


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title."""
    return {"title": {"text": title}, "automargin": True, **more}


def difference_chart(comparison: Comparison) -> Chart | None:
    """Mean paired differences to the baseline with their intervals, a view a measure."""
    views = [
        View(measure.title, figure)
        for measure in comparison.measures
        if not measure.exact and (figure := difference_figure(comparison, measure)) is not None
    ]
    if not views:
        return None
    base = comparison.baseline.name
    return Chart(
        "differences",
        f"Difference to '{base}'",
        f"Mean difference of every assembly to '{base}', with its 95 % interval; an interval that crosses"
        " zero is within noise.",
        views,
    )


def difference_figure(comparison: Comparison, measure: Measure) -> Figure | None:
    """One point with an error bar an assembly; within noise hollow."""
    rows = [
        (assembly.name, entry.difference)
        for assembly in comparison.assemblies
        if (entry := comparison.entries[measure.key].get(assembly.name)) is not None
        and entry.difference is not None
        and not math.isnan(entry.difference.mean)
    ]
    if not rows:
        return None
    halves = [0.0 if math.isnan(d.low) else (d.high - d.low) / 2 for _, d in rows]
    certain = [d.verdict in ("higher", "lower") for _, d in rows]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": measure.title,
        "x": [d.mean for _, d in rows],
        "y": [label for label, _ in rows],
        "error_x": {"type": "data", "array": halves, "color": series_colour(0), "thickness": 2},
        "marker": {
            "color": series_colour(0),
            "size": 11,
            "symbol": ["circle" if sure else "circle-open" for sure in certain],
        },
        "text": [d.verdict for _, d in rows],
        "hovertemplate": "%{y}<br>%{x:+.4f} ± %{error_x.array:.4f}<br>%{text}<extra></extra>",
    }
    layout = {
        "xaxis": axis(f"difference in {measure.title}", zeroline=True, zerolinewidth=2),
        "yaxis": axis("", range=[len(rows) - 0.5, -0.5], type="category"),  # the first on top
        "height": 110 + 36 * len(rows),
        "showlegend": False,
    }
    return {"data": [trace], "layout": layout}


MOST_CURVES = 400  # of one chart: nobody tells more of them apart


def curve_chart(assemblies: Sequence[Assembly]) -> Chart | None:
    """Loss and accuracy over the epochs, a line a run, a colour an assembly."""
    titles = {
        "val_accuracy": "validation accuracy",
        "train_accuracy": "training accuracy",
        "val_loss": "validation loss",
        "train_loss": "training loss",
    }
    views = []
    each = max(MOST_CURVES // max(len(assemblies), 1), 1)  # runs of an assembly
    drawn = [list(assembly.runs.values())[:each] for assembly in assemblies][:MOST_CURVES]
    runs = sum(len(assembly.runs) for assembly in assemblies)
    for key, title in titles.items():
        traces = []
        for position, (assembly, chosen) in enumerate(zip(assemblies, drawn, strict=False)):
            for number, run in enumerate(chosen):
                points = [(row["epoch"], row[key]) for row in run.history if key in row]
                traces.append(
                    {
                        "type": "scatter",
                        "mode": "lines+markers" if len(points) < 3 else "lines",
                        "name": assembly.name,
                        "legendgroup": assembly.name,
                        "showlegend": number == 0,
                        "x": [epoch for epoch, _ in points],
                        "y": [rounded(value) for _, value in points],
                        "line": {"color": series_colour(position), "width": 1.5, "dash": dash(position)},
                        "text": words_of(run),
                        "hovertemplate": "%{fullData.name}, %{text}<br>epoch %{x}: %{y:.4f}<extra></extra>",
                    }
                )
        views.append(
            View(
                title,
                {"data": traces, "layout": {"xaxis": axis("epoch"), "yaxis": axis(title), "height": 420}},
            )
        )
    if not any(trace["x"] for trace in views[0].figure["data"]):
        return None
    text = "A line for every run over the epochs of its training; runs of one assembly have one colour."
    if (lines := sum(map(len, drawn))) < runs:
        text += f" Of {runs:,} runs, {lines:,} are drawn: the first of each assembly."
    return Chart("curves", "Training curves", text, views)


def words_of(run: RunRecord) -> str:
    """Which of the runs of its assembly it is."""
    seed, fold = run.repetition
    return f"seed {seed}, fold {fold}" if run.config["training"].get("folds") else f"seed {seed}"


def dash(position: int) -> str:
    """Dashes go round slower than colours, so that more series stay apart."""
    return ("solid", "dash", "dot", "dashdot")[position // 6 % 4]


def rounded(value: float) -> float | None:
    """Six digits are more than a plot shows; JSON has no NaN."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def confusion_chart(assemblies: Sequence[Assembly]) -> Chart | None:
    """Confusion between classes on the test set, summed over seeds, as shares of the true class."""
    views = []
    for assembly in assemblies:
        matrices = [
            np.asarray(run.result["confusion"])
            for run in assembly.runs.values()
            if run.result.get("confusion") and run.result.get("class_names")
        ]
        if not matrices or len({matrix.shape for matrix in matrices}) > 1:
            continue
        counts = np.sum(matrices, axis=0)
        if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
            continue
        results = [run.result for run in assembly.runs.values()]
        names = next(
            [str(name) for name in result["class_names"]] for result in results if result.get("class_names")
        )
        if len(names) != len(counts):
            continue
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        views.append(View(assembly.name, confusion_figure(shares, counts, names)))
    if not views:
        return None
    return Chart(
        "confusion",
        "Confusion between classes",
        "Share of the test images of each true class (rows) that were given each class (columns), summed over"
        " seeds.",
        views,
    )


def confusion_figure(shares: Any, counts: Any, names: Sequence[str]) -> Figure:
    """A heat map; few enough classes have their shares written in."""
    trace = {
        "type": "heatmap",
        "name": "share",
        "x": list(names),
        "y": list(names),
        "z": [[rounded(float(value)) for value in row] for row in shares],
        "customdata": counts.tolist(),
        "colorscale": "Cividis",
        "zmin": 0,
        "zmax": 1,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "true %{y}, given %{x}<br>%{z:.1%} (%{customdata})<extra></extra>",
    }
    if len(names) <= 12:
        trace["texttemplate"] = "%{z:.0%}"
    layout = {
        "xaxis": axis("given class", type="category", side="bottom", constrain="domain"),
        "yaxis": axis("true class", type="category", autorange="reversed"),
        "height": max(320, min(40 * len(names) + 130, 900)),
        "showlegend": False,
    }
    return {"data": [trace], "layout": layout}
