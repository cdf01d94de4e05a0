"""Declares the wrong norms, in a plugin of their own."""

from broken.plugin import PARTS, declared
from netlab.specs import hookimpl


@hookimpl
def netlab_components():
    yield from declared("norm", PARTS["norm"])
