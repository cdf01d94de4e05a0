"""The contract of every kind of component, one file a kind: how it is called and what it gives.

These modules hold only protocols and value types. They import no torch at run time, so that a
plugin may import them from its light modules.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of component.

    ``selector`` is the flag that chooses a part of this kind, and the table of its options in a
    TOML file: ``--data digits``, ``[data]``.
    """

    name: str
    plural: str
    selector: str
    summary: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("block", "blocks", "block", "a group of layers that backbones repeat"),
        Kind("norm", "norms", "norm", "a normalization layer, placed by backbones and blocks"),
        Kind("backbone", "backbones", "backbone", "the skeleton of a network, from image to logits"),
        Kind("dataset", "datasets", "data", "labelled images"),
        Kind("metric", "metrics", "metric", "a measure of how well features separate the classes"),
        Kind("proposer", "proposers", "proposer", "regions of an image that may hold an object"),
        Kind("extractor", "extractors", "backbone", "a pretrained feature extractor for detection"),
    )
}
