"""Hierarchical grouping: merge the two most similar neighbours until one region is left.

Uijlings et al., Selective Search for Object Recognition, IJCV 2013, section 3. The similarity of two
neighbours a and b is the mean of the measures that a grouping uses, each in [0, 1]:

* colour and texture: the intersection of their L1-normalised histograms, sum of min(a, b);
* size: 1 - (|a| + |b|) / |image|, so that small regions merge early;
* fill: 1 - (|box around both| - |a| - |b|) / |image|, so that regions which fit together merge.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Measures = frozenset[str]  # of "colour", "texture", "size", "fill"


@dataclass(frozen=True, slots=True)
class Regions:
    """The n regions of a segmentation and which of them touch.

    ``sizes`` int64 (n,) pixels; ``boxes`` int64 (n, 4) xyxy half-open; ``colour`` and ``texture``
    float32 (n, bins), each row summing to 1; ``pairs`` int64 (m, 2), each touching pair once, a < b.
    """

    sizes: NDArray[np.int64]
    boxes: NDArray[np.int64]
    colour: NDArray[np.float32]
    texture: NDArray[np.float32]
    pairs: NDArray[np.int64]
    image_size: int

    def __len__(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Candidate objects: ``boxes`` int64 (m, 4), the 2n - 1 regions from the given ones to the whole
    image and then the unions; ``levels`` int64 (m,), 1 for the last region merged and counted back
    from there. A union is as many levels below its newer region as there are levels with unions."""

    boxes: NDArray[np.int64]
    levels: NDArray[np.int64]


def merge_regions(regions: Regions, measures: Measures, *, unions: int = 0) -> Hierarchy:
    """The hierarchy over ``regions``.

    Pairs leave a heap in the order of their similarity; an entry whose region has meanwhile been
    merged is skipped. Ties go to the pair with the lowest numbers, so the result does not depend on
    anything but the input.

    A greedy hierarchy merges a region with one neighbour only. Of the last ``unions`` merged regions
    the union with every neighbour is a candidate too, like the pairs of Arbelaez et al., Multiscale
    Combinatorial Grouping, CVPR 2014. Their similarity was computed anyway: they cost next to nothing.
    """
    n = len(regions)
    area = float(regions.image_size)
    use_size, use_fill = "size" in measures, "fill" in measures
    given = _histograms(regions, measures)
    histograms = np.concatenate([given, np.empty((n - 1, given.shape[1]), np.float32)])
    sizes: list[int] = regions.sizes.tolist()
    boxes: list[list[int]] = regions.boxes.tolist()
    united: list[tuple[int, int]] = []
    neighbours: list[set[int]] = [set() for _ in range(n)]
    for i, j in regions.pairs.tolist():
        neighbours[i].add(j)
        neighbours[j].add(i)

    similarity = _pair_similarity(regions, histograms, use_size, use_fill).tolist()
    heap = [(-value, i, j) for value, (i, j) in zip(similarity, regions.pairs.tolist(), strict=True)]
    heapq.heapify(heap)
    while heap:
        _, i, j = heapq.heappop(heap)
        if not sizes[i] or not sizes[j]:  # merged already
            continue
        new, size = len(sizes), sizes[i] + sizes[j]
        a, b = boxes[i], boxes[j]
        x1, y1, x2, y2 = box = [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]
        histogram = histograms[new]
        np.multiply(histograms[i], sizes[i] / size, out=histogram)
        histogram += histograms[j] * (sizes[j] / size)
        touching = neighbours[i] | neighbours[j]
        touching -= {i, j}
        sizes[i] = sizes[j] = 0
        sizes.append(size)
        boxes.append(box)
        neighbours.append(touching)
        order = sorted(touching)
        if new >= 2 * n - 1 - unions:
            united += [(k, new) for k in order]
        shared = np.minimum(histograms[order], histogram).sum(1).tolist()
        for k, value in zip(order, shared, strict=True):
            both = sizes[k] + size
            if use_size:
                value += 1.0 - both / area
            if use_fill:
                a = boxes[k]
                width = (a[2] if a[2] > x2 else x2) - (a[0] if a[0] < x1 else x1)
                height = (a[3] if a[3] > y2 else y2) - (a[1] if a[1] < y1 else y1)
                value += 1.0 - (width * height - both) / area
            heapq.heappush(heap, (-value, k, new))
            neighbours[k] -= {i, j}
            neighbours[k].add(new)
    return _with_unions(np.array(boxes, np.int64), np.array(united, np.int64).reshape(-1, 2), unions)


def _with_unions(boxes: NDArray[np.int64], united: NDArray[np.int64], below: int) -> Hierarchy:
    """The regions (r, 4) and the boxes around the pairs ``united`` (u, 2), the newer region second,
    ``below`` levels further down."""
    levels = np.arange(len(boxes), 0, -1)
    a, b = boxes[united[:, 0]], boxes[united[:, 1]]
    around = np.concatenate([np.minimum(a[:, :2], b[:, :2]), np.maximum(a[:, 2:], b[:, 2:])], axis=1)
    return Hierarchy(np.concatenate([boxes, around]), np.concatenate([levels, levels[united[:, 1]] + below]))


def _histograms(regions: Regions, measures: Measures) -> NDArray[np.float32]:
    """Colour and texture side by side: the sum of minima over both is the sum of both similarities."""
    parts = [getattr(regions, name) for name in ("colour", "texture") if name in measures]
    return np.concatenate(parts, axis=1) if parts else np.empty((len(regions), 0), np.float32)


def _pair_similarity(
    regions: Regions, histograms: NDArray[np.float32], use_size: bool, use_fill: bool
) -> NDArray[np.float64]:
    """Similarity (m,) of the pairs that touch from the start: a sum, which orders like the mean."""
    i, j = regions.pairs[:, 0], regions.pairs[:, 1]
    value = np.minimum(histograms[i], histograms[j]).sum(1).astype(np.float64)
    both = regions.sizes[i] + regions.sizes[j]
    if use_size:
        value += 1.0 - both / regions.image_size
    if use_fill:
        low = np.minimum(regions.boxes[i, :2], regions.boxes[j, :2])
        high = np.maximum(regions.boxes[i, 2:], regions.boxes[j, 2:])
        value += 1.0 - ((high - low).prod(1) - both) / regions.image_size
    return value
