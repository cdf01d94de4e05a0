"""``separability.csv``: one row a layer, split and metric, layers in the order of execution."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from netlab.errors import NetlabError
from netlab.runs.manifest import read_checked

NUMBERS = ("value", "standard_error", "low", "high", "points", "features", "seconds")


def read_separability(path: Path) -> list[dict[str, Any]]:
    """Read all rows; an absent file has none, an absent number is None.

    Raises:
        NetlabError: the file is damaged.
    """
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = []
    try:
        for line in csv.DictReader(io.StringIO(read_checked(path).decode(), newline="")):
            row: dict[str, Any] = {key: line[key] for key in ("layer", "split", "metric")}
            row |= {key: float(line[key]) if line.get(key) else None for key in NUMBERS}
            rows.append(row)
    except (ValueError, KeyError, TypeError, csv.Error, UnicodeDecodeError) as error:
        raise NetlabError(f"{path} is damaged: {error}") from None
    return rows


def last_layer_value(rows: list[dict[str, Any]], metric: str, split: str) -> float | None:
    """The value of a metric on the last layer that was measured, or None."""
    values = [row["value"] for row in rows if row["metric"] == metric and row["split"] == split]
    return values[-1] if values else None
