"""``history.csv``: one row an epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from netlab.errors import NetlabError
from netlab.files import csv_text
from netlab.runs.manifest import read_checked

# What a classifier's history has.
COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "val_balanced_accuracy",
    "lr",
    "images_per_second",
    "seconds",
)

HistoryRow = Mapping[str, float]


def history_text(rows: Sequence[HistoryRow], columns: Sequence[str]) -> str:
    """These columns of all rows. Floats keep every digit, so that equal runs have equal rows."""
    return csv_text(columns, rows)


def read_history(path: Path, columns: Collection[str] = COLUMNS) -> list[dict[str, float]]:
    """Read all rows; an absent file has none. ``columns`` are those that must be there.

    Raises:
        NetlabError: a row is damaged, or a column is not there.
    """
    if not path.exists():
        return []
    try:
        reader = csv.DictReader(io.StringIO(read_checked(path).decode(), newline=""))
        if missing := set(columns) - set(reader.fieldnames or ()):
            raise ValueError(f"it has no column {min(missing)}")
        return [{key: read_number(value) for key, value in row.items()} for row in reader]
    except (ValueError, TypeError, csv.Error) as error:
        raise NetlabError(f"{path} is damaged: {error}") from None


def count_epochs(path: Path) -> int:
    """How many rows there are, without reading their numbers; none in an absent file.

    Raises:
        NetlabError: the file is not as netlab wrote it.
    """
    return max(read_checked(path).count(b"\n") - 1, 0) if path.exists() else 0


def read_number(text: str) -> float:
    """A cell as it was written: whole numbers are counts and stay int."""
    return int(text) if str(text).isdecimal() else float(text)
