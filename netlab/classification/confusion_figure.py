"""A confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WRITTEN = 20  # classes; the numbers of more would be too small to read


def confusion_figure(confusion: np.ndarray[Any, Any], class_names: Sequence[str]) -> Figure:
    """The matrix (K, K), rows true: each cell as dark as its share of the true class, with its count."""
    from matplotlib.figure import Figure

    count = len(class_names)
    side = min(max(3.4, 0.45 * count + 1.8), 12.0)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    if count <= MOST_WRITTEN:
        for (row, column), value in np.ndenumerate(confusion):
            if value:
                colour = "white" if share[row, column] > 0.5 else "black"
                axes.text(column, row, str(value), ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(range(count), class_names, rotation=45, ha="right", parse_math=False)
        axes.set_yticks(range(count), class_names, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return figure
