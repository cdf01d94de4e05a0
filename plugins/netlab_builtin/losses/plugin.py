"""Declares netlab's own losses."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="loss",
        name="cross-entropy",
        summary="Cross-entropy, with label smoothing and class weights",
        target="netlab_builtin.losses.cross_entropy:cross_entropy",
        options="netlab_builtin.losses.options:CrossEntropyOptions",
        reference="Szegedy et al., Rethinking the Inception Architecture, CVPR 2016",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="loss",
        name="focal",
        summary="Cross-entropy that pays less for what is classified well",
        target="netlab_builtin.losses.focal:focal",
        options="netlab_builtin.losses.options:FocalOptions",
        reference="Lin et al., Focal Loss for Dense Object Detection, ICCV 2017",
    )
