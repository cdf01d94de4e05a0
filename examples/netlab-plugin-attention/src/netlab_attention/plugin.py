"""Declares the kind 'attention', two parts of it, and a block that takes one.

netlab imports this file to list what is there: nothing heavy in it.
"""

from collections.abc import Iterable

from netlab.specs import ComponentSpec, KindSpec, hookimpl

CODE, OPTIONS = "netlab_attention.attentions", "netlab_attention.options"


@hookimpl
def netlab_kinds() -> Iterable[KindSpec]:
    contract, checks = "netlab_attention.contract:Attention", "netlab_attention.checks:CHECKS"
    yield KindSpec("attention", "attentions", "weighs the channels of a feature map", contract, checks)


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    eca, se, block = (
        "Efficient channel attention",
        "Squeeze and excitation",
        "A block with an attention",
    )
    yield ComponentSpec("attention", "eca", eca, f"{CODE}:Eca", f"{OPTIONS}:EcaOptions")
    yield ComponentSpec("attention", "se", se, f"{CODE}:Se", f"{OPTIONS}:SeOptions")
    yield ComponentSpec("block", "attentive", block, f"{CODE}:AttentiveBlock", f"{OPTIONS}:AttentiveOptions")
