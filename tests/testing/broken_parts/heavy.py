"""A declaration that imports torch."""

import torch  # noqa: F401

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components():
    yield ComponentSpec(
        "block", "light-import", "Imports torch to declare itself", "broken_parts.blocks:Sound"
    )
