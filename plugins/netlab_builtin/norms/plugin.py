"""Declares netlab's own norms."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="norm",
        name="none",
        summary="No normalization",
        target="netlab_builtin.norms.none:no_norm",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="norm",
        name="bn",
        summary="Batch normalization",
        target="netlab_builtin.norms.batch:batch_norm",
        options="netlab_builtin.norms.options:BatchNormOptions",
        reference="Ioffe and Szegedy, Batch Normalization, ICML 2015",
    )
    yield ComponentSpec(
        kind="norm",
        name="gn",
        summary="Group normalization",
        target="netlab_builtin.norms.group:group_norm",
        options="netlab_builtin.norms.options:GroupNormOptions",
        reference="Wu and He, Group Normalization, ECCV 2018",
    )
    yield ComponentSpec(
        kind="norm",
        name="ln",
        summary="Layer normalization over channels, height and width",
        target="netlab_builtin.norms.layer:layer_norm",
        options="netlab_builtin.norms.options:LayerNormOptions",
        reference="Ba, Kiros and Hinton, Layer Normalization, 2016",
    )
