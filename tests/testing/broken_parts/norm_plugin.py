"""Declares the broken norms, apart from the blocks: blocks are checked with every norm there is."""

from broken_parts.plugin import declare
from netlab.specs import hookimpl


@hookimpl
def netlab_components():
    yield from declare(
        "norm",
        ("shape", "flattening"),
        ("train-and-evaluate", "no_epsilon"),
        ("gradients", "dead_parameter"),
        ("independent-images", "batch_statistics"),
        ("state-dict", "hidden_weight"),
    )
