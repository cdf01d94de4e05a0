"""Declares netlab's own detectors."""

from __future__ import annotations

from collections.abc import Iterator

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterator[ComponentSpec]:
    """The detectors that come with netlab."""
    yield ComponentSpec(
        kind="detector",
        name="faster-rcnn",
        summary="Proposes and classifies by one network on a feature pyramid; its trunk learns too",
        target="netlab_builtin.detectors.faster_rcnn:faster_rcnn",
        options="netlab_builtin.detectors.options:FasterRCNNOptions",
        reference="Ren et al., Faster R-CNN, NeurIPS 2015; Lin et al., Feature Pyramid Networks, CVPR 2017",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="detector",
        name="rcnn",
        summary="A head on frozen features of regions that any proposer gives",
        target="netlab_builtin.detectors.rcnn:rcnn",
        options="netlab_builtin.detectors.options:RCNNOptions",
        reference="Girshick et al., Rich Feature Hierarchies, CVPR 2014",
        tags=frozenset({"regions", "default-regions"}),
    )
