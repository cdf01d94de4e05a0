"""A list of image files and their labels: CSV or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netlab.kinds.dataset import LabelledFiles

SUFFIXES = (".csv", ".parquet")
PATH, LABEL, SPLIT = ("path", "file", "image", "filename"), ("label", "class"), ("split", "part")
PARTS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}


def read_list(path: Path) -> tuple[dict[str, LabelledFiles], tuple[str, ...]]:
    """The parts of a list, by name, and the classes, sorted.

    The columns are ``path`` (counted from the list's folder), ``label`` and, if it is there, ``split``:
    train, val or test. All images are for training where there is no split.

    Raises:
        FileNotFoundError: there is no such list.
        ValueError: it can not be read, or lacks a column or a value; the message names it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no list {path} (--data.path)")
    rows = read_parquet(path) if path.suffix.lower() == ".parquet" else read_csv(path)
    if not rows:
        raise ValueError(f"{path} lists no images")
    columns = {name: column_of(rows[0], names, path) for name, names in (("path", PATH), ("label", LABEL))}
    split = next((name for name in SPLIT if name in rows[0]), None)
    names = tuple(
        sorted({text_of(row, columns["label"], number, path) for number, row in enumerate(rows, 1)})
    )
    places = {name: place for place, name in enumerate(names)}
    found: dict[str, tuple[list[Path], list[int]]] = {}
    for number, row in enumerate(rows, 1):
        part = "train" if split is None else PARTS.get(text_of(row, split, number, path).lower())
        if part is None:
            raise ValueError(
                f"{path}, row {number}: the split is {row[split or '']!r}, not train, val or test"
            )
        files, labels = found.setdefault(part, ([], []))
        files.append(path.parent / text_of(row, columns["path"], number, path))
        labels.append(places[text_of(row, columns["label"], number, path)])
    if "train" not in found:
        raise ValueError(f"{path} has no row of the split train")
    return {
        part: LabelledFiles(tuple(files), tuple(labels)) for part, (files, labels) in found.items()
    }, names


def read_csv(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV file with a head."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} can not be read: {error}") from None


def read_parquet(path: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise ValueError(
            f"{path}: Parquet files need pip install 'netlab-vision[lists]'; or write CSV"
        ) from None
    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except Exception as error:  # pyarrow has errors of its own
        raise ValueError(f"{path} can not be read: {' '.join(str(error).split())[:200]}") from None
    return rows


def column_of(row: Mapping[str, Any], names: Sequence[str], path: Path) -> str:
    """The column that is called one of ``names``."""
    found = next((name for name in names if name in row), None)
    if found is None:
        raise ValueError(f"{path} has no column '{names[0]}'; it has: {', '.join(map(str, row))}")
    return found


def text_of(row: Mapping[str, Any], column: str, number: int, path: Path) -> str:
    """A value as text."""
    value = row.get(column)
    if value is None or not str(value).strip():
        raise ValueError(f"{path}, row {number}: there is no {column}")
    return str(value).strip()
