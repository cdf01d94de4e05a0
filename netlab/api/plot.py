"""Plots that show themselves in a notebook, whatever backend it has."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Plot:
    """A plot. ``figure`` is a matplotlib ``Figure``, to be changed as you like."""

    figure: Figure

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def save(self, path: str | Path) -> Path:
        """Write the plot; the ending says how: ``.png``, ``.svg``, ``.pdf``."""
        from netlab.errors import UsageError
        from netlab.files import write_atomically

        path = Path(path)
        known = self.figure.canvas.get_supported_filetypes()
        if path.suffix[1:] not in known:
            raise UsageError(f"{path}: the ending must be one of {', '.join(sorted(known))}")
        write_atomically(path, lambda file: self.figure.savefig(file, format=path.suffix[1:], dpi=150))
        return path

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=72)
        return buffer.getvalue()

    def __repr__(self) -> str:
        titles = [axes.get_title() or axes.get_ylabel() for axes in self.figure.axes]
        return f"Plot({', '.join(title for title in titles if title)})"
