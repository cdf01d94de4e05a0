"""Loss and accuracy over the epochs, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netlab.files import write_atomically
from netlab.runs.history import HistoryRow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colour-blind-safe blue and vermilion.
TRAIN_COLOUR, VAL_COLOUR = "#0072B2", "#D55E00"


def plot_history(rows: Sequence[HistoryRow], folder: Path, *, title: str, best_epoch: int) -> list[Path]:
    """Write ``curves.png`` and ``curves.svg``: loss and accuracy, training and validation."""
    return save_figure(history_figure(rows, title=title, best_epoch=best_epoch), folder / "curves")


def history_figure(rows: Sequence[HistoryRow], *, title: str, best_epoch: int) -> Figure:
    """Loss and accuracy over the epochs, training and validation, with the best epoch marked."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    figure.suptitle(title, fontsize=11, parse_math=False)
    epochs = [row["epoch"] for row in rows]
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, colour, label in (("train", TRAIN_COLOUR, "training"), ("val", VAL_COLOUR, "validation")):
            values = [row[f"{part}_{measure}"] for row in rows]
            marker = "o" if len(rows) <= 30 else ""
            axes.plot(epochs, values, marker=marker, markersize=3.5, color=colour, label=label)
        axes.axvline(best_epoch, color="0.6", linewidth=1, linestyle=":", label=f"best epoch ({best_epoch})")
        axes.set_xlabel("epoch")
        axes.set_ylabel(measure)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[1].legend(frameon=False, loc="lower right")
    return figure


def save_figure(figure: object, stem: Path) -> list[Path]:
    """Write a matplotlib figure as PNG and SVG, atomically."""
    paths = []
    for suffix in ("png", "svg"):
        path = stem.with_suffix(f".{suffix}")
        write_atomically(
            path,
            lambda file, suffix=suffix: figure.savefig(file, format=suffix, dpi=150),  # type: ignore[attr-defined, misc]
        )
        paths.append(path)
    return paths
