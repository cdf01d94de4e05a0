"""Declares pretrained networks: the feature extractors of detection, and backbones."""

from __future__ import annotations

from collections.abc import Iterator

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterator[ComponentSpec]:
    """The pretrained networks that come with netlab."""
    yield ComponentSpec(
        kind="extractor",
        name="mobilenet_v2",
        summary="MobileNetV2's feature maps: small and quick on a CPU",
        target="netlab_builtin.extractors.torchvision_classifier:mobilenet_v2",
        options="netlab_builtin.extractors.options:ExtractorOptions",
        reference="Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="extractor",
        name="torchvision",
        summary="The feature maps of any torchvision classifier: torchvision:resnet18",
        target="netlab_builtin.extractors.torchvision_classifier:torchvision_classifier",
        options="netlab_builtin.extractors.options:TorchvisionOptions",
        reference="https://docs.pytorch.org/vision/stable/models.html",
        tags=frozenset({"variants"}),
    )
    yield ComponentSpec(
        kind="backbone",
        name="torchvision",
        summary="A torchvision classifier with its weights: torchvision:resnet18 (no --block, no --norm)",
        target="netlab_builtin.extractors.backbone:torchvision",
        options="netlab_builtin.extractors.options:TorchvisionBackboneOptions",
        reference="https://docs.pytorch.org/vision/stable/models.html",
        tags=frozenset({"variants", "pretrained"}),
    )
