"""The contract of every kind of component, one file a kind: how it is called and what it gives.

These modules hold only protocols and value types. They import no torch at run time, so that a
plugin may import them from its light modules.
"""

from __future__ import annotations

from netlab.specs import KindSpec


def _kind(name: str, plural: str, summary: str, selector: str = "") -> KindSpec:
    """A kind of netlab's own: its contract and its checks are where all of them are."""
    contract = f"netlab.kinds.{name}:{name.capitalize()}"
    return KindSpec(name, plural, summary, contract, f"netlab.testing.{plural}:CHECKS", selector)


# ``selector`` is the flag that chooses a part of the kind, and the table of its options in a TOML file:
# ``--data digits``, ``[data]``.
KINDS: dict[str, KindSpec] = {
    kind.name: kind
    for kind in (
        _kind("block", "blocks", "a group of layers that backbones repeat"),
        _kind("norm", "norms", "a normalization layer, placed by backbones and blocks"),
        _kind("activation", "activations", "what stands between linear layers"),
        _kind("backbone", "backbones", "the skeleton of a network, from image to logits"),
        _kind("dataset", "datasets", "labelled images", selector="data"),
        _kind("optimizer", "optimizers", "how a step changes the weights"),
        _kind("schedule", "schedules", "how the learning rate changes over the steps"),
        _kind("loss", "losses", "what training makes small"),
        _kind("augmentation", "augmentations", "what is done to training images", selector="augment"),
        _kind("callback", "callbacks", "what goes along with the steps of a training"),
        _kind("recipe", "recipes", "the values that nobody gave"),
        _kind("metric", "metrics", "a measure of how well features separate the classes"),
        _kind("detector", "detectors", "what finds objects in an image, and learns to"),
        _kind("proposer", "proposers", "regions of an image that may hold an object"),
        _kind("extractor", "extractors", "a pretrained feature extractor for detection", selector="backbone"),
    )
}

# Of which a run has any number, in the order in which they were named: ``--augment flip --augment cutmix``.
CHAIN_KINDS = ("augmentation", "callback")
