"""Runs on the same images and the same validation split can be compared; others stand apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netlab.comparison.assemblies import differing_values
from netlab.errors import UsageError
from netlab.runs.record import RunRecord

SPLIT_KEYS = ("validation", "split_seed")
DIGESTS = {"data sets": "data_sha256", "validation splits": "val_indices_sha256"}
SHOWN_DIGITS = 8


@dataclass(frozen=True, slots=True)
class DataGroup:
    """Runs on one data set and split, and a title of its own: ``digits``, ``npz, path a.npz``."""

    title: str
    records: list[RunRecord]


def group_by_data(records: Sequence[RunRecord]) -> list[DataGroup]:
    """The runs by the digests of their images and validation split, in the order in which they come.

    A run that recorded no digest (its ``environment.json`` is damaged, or not written yet) belongs to the
    first group with the same configuration of the data, else to one of its own.
    """
    groups: list[list[RunRecord]] = []
    for record in records:
        group = next((group for group in groups if same_data(group[0], record)), None)
        if group is None:
            groups.append([record])
        elif not recorded_digests(group[0]):
            group.insert(0, record)  # the first speaks for its group
        else:
            group.append(record)
    titles = group_titles([group[0] for group in groups])
    order = {id(record): place for place, record in enumerate(records)}
    return [
        DataGroup(title, sorted(group, key=lambda record: order[id(record)]))
        for title, group in zip(titles, groups, strict=True)
    ]


def same_data(one: RunRecord, other: RunRecord) -> bool:
    """Whether two runs saw the same images and validation split, as far as they recorded it."""
    if recorded_digests(one) and recorded_digests(other):
        return recorded_digests(one) == recorded_digests(other)
    return data_config(one) == data_config(other)


def recorded_digests(record: RunRecord) -> tuple[str, ...]:
    """The digests of a run's images and validation split; empty unless it recorded them."""
    found = tuple(str(record.environment[key]) for key in DIGESTS.values() if record.environment.get(key))
    return found if len(found) == len(DIGESTS) else ()


def data_config(record: RunRecord) -> dict[str, Any]:
    """What a run's configuration says of its images and split."""
    training: Mapping[str, Any] = record.config.get("training", {})
    return {**record.config.get("data", {}), **{key: training.get(key) for key in SPLIT_KEYS}}


def group_titles(records: Sequence[RunRecord]) -> list[str]:
    """Name the data of each run: by its name, by the options that differ, at last by its digest."""
    configs = [data_config(record) for record in records]
    titles = []
    for record, own in zip(records, configs, strict=True):
        name = str(own.get("name", "data"))
        same = [other for other in configs if other.get("name") == own.get("name")]
        words = [name, *differing_values(own, same)]
        if same.count(own) > 1:
            words.append(f"digest {''.join(recorded_digests(record))[:SHOWN_DIGITS] or 'unknown'}")
        titles.append(", ".join(words))
    return titles


def require_same_data(records: Sequence[RunRecord], *, force: bool) -> list[str]:
    """The warnings to print above a comparison that was forced.

    Raises:
        UsageError: the runs do not have the same data and split, and ``force`` is off.
    """
    problem = data_difference(records)
    if problem and not force:
        raise UsageError(f"the runs have {problem}; their figures can not be compared (--force does)")
    return [f"NOT COMPARABLE: the runs have {problem}"] if problem else []


def data_difference(records: Sequence[RunRecord]) -> str:
    """What makes runs incomparable: other images, or another validation split. Empty when nothing does."""
    for title, key in DIGESTS.items():
        values: dict[str, str] = {}
        for record in records:
            value = record.environment.get(key)
            if value is not None:
                values.setdefault(str(value), record.name)
        if len(values) > 1:
            first, second, *_ = values.values()
            return f"different {title}: '{first}' and '{second}'"
    return ""
