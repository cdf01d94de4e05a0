"""``separability.csv``: one row a layer, split and metric, layers in the order of execution."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
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
            row["better"] = line.get("better") or None
            row |= {key: float(line[key]) if line.get(key) else None for key in NUMBERS}
            rows.append(row)
    except (ValueError, KeyError, TypeError, csv.Error, UnicodeDecodeError) as error:
        raise NetlabError(f"{path} is damaged: {error}") from None
    return rows


def stated_better(rows: Iterable[dict[str, Any]], metric: str) -> str | None:
    """Which way a metric is better: higher, lower or neither; None where no row says so."""
    return next((row["better"] for row in rows if row["metric"] == metric and row.get("better")), None)


def last_layer_value(rows: list[dict[str, Any]], metric: str, split: str) -> float | None:
    """The value of a metric on the last layer that was measured, or None."""
    values = [row["value"] for row in rows if row["metric"] == metric and row["split"] == split]
    return values[-1] if values else None
