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
        name="resnet",
        summary="A CIFAR ResNet of depth 6n+2, with any block and norm",
        target="netlab_builtin.backbones.resnet:resnet",
        options="netlab_builtin.backbones.options:ResNetOptions",
        reference="He et al., Deep Residual Learning for Image Recognition, CVPR 2016, section 4.2",
    )
