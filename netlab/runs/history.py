"""``history.csv``: one row an epoch."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from netlab.errors import NetlabError
from netlab.files import write_csv

# What a classifier's history has.
COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "lr",
    "images_per_second",
    "seconds",
)

HistoryRow = Mapping[str, float]


def write_history(path: Path, rows: Sequence[HistoryRow], columns: Sequence[str]) -> None:
    """Write these columns of all rows. Floats keep every digit, so that equal runs have equal rows."""
    write_csv(path, columns, rows)


def read_history(path: Path, columns: Collection[str] = COLUMNS) -> list[dict[str, float]]:
    """Read all rows; an absent file has none. ``columns`` are those that must be there.

    Raises:
        NetlabError: a row is damaged, or a column is not there.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if missing := set(columns) - set(reader.fieldnames or ()):
                raise ValueError(f"it has no column {min(missing)}")
            return [{key: read_number(value) for key, value in row.items()} for row in reader]
    except (ValueError, TypeError, csv.Error) as error:
        raise NetlabError(f"{path} is damaged: {error}") from None


def read_number(text: str) -> float:
    """A cell as it was written: whole numbers are counts and stay int."""
    return int(text) if str(text).isdecimal() else float(text)
