"""Declares netlab's own backbones."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="backbone",
        name="compact",
        summary="Four convolutions and two blocks, for images of about 32x32",
        target="netlab_builtin.backbones.compact:compact",
        options="netlab_builtin.backbones.options:CompactOptions",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="backbone",
        name="lean",
        summary="A whitening convolution and three stages of a convolution and a block, for little time",
        target="netlab_builtin.backbones.lean:lean",
        options="netlab_builtin.backbones.options:LeanOptions",
        reference="Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024",
    )
    yield ComponentSpec(
        kind="backbone",
        name="resnet",
        summary="A CIFAR ResNet of depth 6n+2, with any block and norm",
        target="netlab_builtin.backbones.resnet:resnet",
        options="netlab_builtin.backbones.options:ResNetOptions",
        reference="He et al., Deep Residual Learning for Image Recognition, CVPR 2016, section 4.2",
    )
