"""Declares netlab's own blocks."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="block",
        name="conv",
        summary="One 3x3 convolution with norm and activation, which begins as the identity",
        target="netlab_builtin.blocks.conv:ConvBlock",
        options="netlab_builtin.blocks.options:ConvOptions",
        reference="Zagoruyko and Komodakis, DiracNets, 2017",
        tags=frozenset({"stride"}),
    )
    yield ComponentSpec(
        kind="block",
        name="residual",
        summary="Two 3x3 convolutions with a skip connection",
        target="netlab_builtin.blocks.residual:ResidualBlock",
        options="netlab_builtin.blocks.options:ResidualOptions",
        reference="He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
        tags=frozenset({"default", "stride"}),
    )
    yield ComponentSpec(
        kind="block",
        name="grouped",
        summary="Parallel paths of two 3x3 convolutions, summed, with a skip connection",
        target="netlab_builtin.blocks.grouped:GroupedPathBlock",
        options="netlab_builtin.blocks.options:GroupedPathOptions",
        reference="Xie et al., Aggregated Residual Transformations for Deep Neural Networks, CVPR 2017",
        tags=frozenset({"stride"}),
    )
