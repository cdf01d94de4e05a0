"""Declares the region proposers."""

from __future__ import annotations

from collections.abc import Iterator

from netlab.specs import ComponentSpec, hookimpl

_OPTIONS = "netlab_builtin.proposers.options"


@hookimpl
def netlab_components() -> Iterator[ComponentSpec]:
    """The region proposers that come with netlab."""
    yield ComponentSpec(
        kind="proposer",
        name="selective-search",
        summary="Selective search: regions of several segmentations, merged by similarity",
        target="netlab_builtin.proposers.selective_search:selective_search",
        options=f"{_OPTIONS}:SelectiveSearchOptions",
        reference="Uijlings et al., Selective Search for Object Recognition, IJCV 2013",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="proposer",
        name="selective-search-cv2",
        summary="Selective search as OpenCV implements it, for comparison",
        target="netlab_builtin.proposers.opencv_selective_search:opencv_selective_search",
        options=f"{_OPTIONS}:OpenCVSelectiveSearchOptions",
        reference="https://docs.opencv.org/4.x/d5/df0/group__ximgproc__segmentation.html",
    )
    yield ComponentSpec(
        kind="proposer",
        name="sliding-window",
        summary="Windows of several sizes and ratios at a regular stride",
        target="netlab_builtin.proposers.sliding_window:sliding_window",
        options=f"{_OPTIONS}:SlidingWindowOptions",
    )
    yield ComponentSpec(
        kind="proposer",
        name="edge-boxes",
        summary="Edge Boxes on Scharr edges: boxes that hold whole contours",
        target="netlab_builtin.proposers.edge_boxes:edge_boxes",
        options=f"{_OPTIONS}:EdgeBoxesOptions",
        reference="Zitnick and Dollar, Edge Boxes: Locating Object Proposals from Edges, ECCV 2014",
    )
