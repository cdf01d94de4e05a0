"""Declares netlab's own callbacks."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="callback",
        name="gradient-norm",
        summary="Adds the norm of the gradients to the history",
        target="netlab_builtin.callbacks.gradient_norm:GradientNorm",
    )
