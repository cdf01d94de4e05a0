"""Which detector is trained, of which parts it is made, and which settings its training has."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.detection.training.network_settings import NetworkSettings
from netlab.detection.training.settings import DetectionSettings
from netlab.engine.catalog import Catalog, Component
from netlab.errors import UsageError

NETWORK, REGIONS = "default", "default-regions"  # tags of the default of each sort


def chosen_detector(catalog: Catalog, detector: str | None, proposer: str | None) -> Component:
    """The detector that was named; else the default, or with a proposer the default one that takes it.

    Raises:
        UsageError: there is no such detector, or it takes no proposer.
    """
    if detector is not None:
        found = catalog.find("detector", detector)
        if proposer is not None and not is_of_regions(found):
            other = catalog.default("detector", REGIONS).name
            raise UsageError(
                f"detector '{found.name}' takes no proposer: it proposes itself ('{other}' takes one)"
            )
        return found
    return catalog.default("detector", NETWORK if proposer is None else REGIONS)


def is_of_regions(detector: Component) -> bool:
    """Whether netlab proposes, describes and trains a head, and the detector only says its shape."""
    return "regions" in detector.spec.tags


def kinds_of(detector: Component) -> tuple[str, ...]:
    """The kinds of parts that a detector is made of, itself first."""
    return ("detector", "proposer", "extractor") if is_of_regions(detector) else ("detector", "extractor")


def check_settings(catalog: Catalog, detector: Component, words: Iterable[str]) -> None:
    """Say of a flag among ``words`` that is a setting of the other sort of detector which one has it.

    Raises:
        UsageError: there is such a flag.
    """
    own, regions = settings_of(detector), is_of_regions(detector)
    other = NetworkSettings if regions else DetectionSettings
    elsewhere = other.model_fields.keys() - own.model_fields.keys()
    for word in words:
        name = word.partition("=")[0]
        if name.startswith("--") and name[2:].removeprefix("no-").replace("-", "_") in elsewhere:
            one = catalog.default("detector", NETWORK if regions else REGIONS).name
            sort = f"one network, as '{one}'" if regions else f"made of regions, as '{one}'"
            raise UsageError(f"{name} is of detectors that are {sort}; you chose detector '{detector.name}'")


def settings_of(detector: Component) -> type[DetectionSettings] | type[NetworkSettings]:
    """The settings of a detector's training."""
    return DetectionSettings if is_of_regions(detector) else NetworkSettings
