"""The region proposers, on photographs, against OpenCV and brute force."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from netlab_builtin.proposers.grouping import Regions, merge_regions
from netlab_builtin.proposers.region_features import measure_segmentations, pixel_bins
from sklearn.datasets import load_sample_image

from netlab.detection.boxes import iou_matrix
from netlab.engine.catalog import Catalog
from netlab.kinds.proposer import Proposals

NAMES = ("selective-search", "selective-search-cv2", "sliding-window", "edge-boxes")


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return cv2.resize(load_sample_image("china.jpg"), (240, 160), interpolation=cv2.INTER_AREA)


def propose(
    catalog: Catalog, name: str, image: np.ndarray, limit: int = 10_000, seed: int = 0, **options: Any
):
    component = catalog.find("proposer", name)
    found: Proposals = component.build(image, limit=limit, seed=seed, options=component.make_options(options))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_boxes_lie_in_the_image_and_the_best_come_first(catalog: Catalog, name: str, photograph: np.ndarray):
    found = propose(catalog, name, photograph)
    assert found.boxes.dtype == found.scores.dtype == np.float32
    assert len(found) > 50
    assert (found.boxes[:, :2] >= 0).all()
    assert (found.boxes[:, 2:] <= [240, 160]).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_image_and_seed_give_the_same_bytes_in_any_thread(
    catalog: Catalog, name: str, photograph: np.ndarray
):
    flipped = np.ascontiguousarray(photograph[:, ::-1])
    alone = [propose(catalog, name, image, seed=3) for image in (photograph, flipped)]
    with ThreadPoolExecutor(4) as threads:
        found = list(
            threads.map(lambda image: propose(catalog, name, image, seed=3), [flipped, photograph] * 3)
        )
    for i, one in enumerate(found):
        assert one.boxes.tobytes() == alone[1 - i % 2].boxes.tobytes()
        assert one.scores.tobytes() == alone[1 - i % 2].scores.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_gives_the_first_of_more(catalog: Catalog, name: str, photograph: np.ndarray):
    everything = propose(catalog, name, photograph)
    for limit in (1, 17):
        few = propose(catalog, name, photograph, limit=limit)
        assert few.boxes.tobytes() == everything.boxes[:limit].tobytes()
        assert few.scores.tobytes() == everything.scores[:limit].tobytes()


@pytest.mark.parametrize("name", ["selective-search", "selective-search-cv2", "sliding-window"])
def test_another_seed_ranks_the_same_boxes_differently(catalog: Catalog, name: str, photograph: np.ndarray):
    first, second = (propose(catalog, name, photograph, seed=seed).boxes for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(np.unique(first, axis=0), np.unique(second, axis=0))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (7, 5)])
def test_tiny_images_work(catalog: Catalog, name: str, shape: tuple[int, int]):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = propose(catalog, name, image)
    assert (found.boxes[:, 2:] <= [shape[1], shape[0]]).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_flat_image_works(catalog: Catalog, name: str):
    found = propose(catalog, name, np.full((60, 80, 3), 128, np.uint8))
    assert (found.boxes[:, 2:] <= [80, 60]).all()


def test_our_selective_search_finds_what_opencvs_finds(catalog: Catalog):
    image = cv2.resize(load_sample_image("flower.jpg"), (400, 267), interpolation=cv2.INTER_AREA)
    ours = propose(catalog, "selective-search", image).boxes
    theirs = propose(catalog, "selective-search-cv2", image).boxes
    matched = iou_matrix(theirs, ours).max(axis=1) >= 0.7
    assert matched.mean() >= 0.98
    assert len(propose(catalog, "selective-search", image, unions=0)) <= 1.1 * len(theirs)


def test_quality_mode_finds_more(catalog: Catalog, photograph: np.ndarray):
    small = cv2.resize(photograph, (120, 80))
    fast = propose(catalog, "selective-search", small).boxes
    quality = propose(catalog, "selective-search", small, mode="quality").boxes
    assert len(quality) > len(fast)


def test_region_measures_equal_brute_force():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (20, 30, 2), np.uint8)
    labels = np.repeat(np.repeat(rng.permutation(6).reshape(2, 3), 10, 0), 10, 1).astype(np.int32)
    bins = pixel_bins(image)
    (found,) = measure_segmentations([labels], bins)
    for region in range(6):
        inside = (labels == region).ravel()
        assert found.sizes[region] == inside.sum()
        expected = np.concatenate([np.bincount(plane[inside], minlength=25) for plane in bins.colour])
        np.testing.assert_allclose(found.colour[region], expected / expected.sum(), rtol=1e-5)
    np.testing.assert_allclose(found.colour.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(found.texture.sum(1), 1, rtol=1e-5)
    # A 2 x 3 grid: 7 sides and 4 diagonals touch.
    assert len(found.pairs) == 11
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()


def test_texture_counts_each_side_of_the_gradient_as_its_own_histogram():
    image = np.random.default_rng(2).integers(0, 256, (15, 21, 1), np.uint8)
    labels = np.zeros((15, 21), np.int32)
    (found,) = measure_segmentations([labels], pixel_bins(image))
    texture = found.texture.reshape(4, 2, 10)
    dx = cv2.Scharr(image[..., 0], cv2.CV_64F, 1, 0)
    for side, sign in enumerate((-1, 1)):
        clipped = np.clip(sign * dx, 0, None)
        expected, _ = np.histogram(np.floor(clipped * 10 / clipped.max()).clip(0, 9), bins=10, range=(0, 10))
        np.testing.assert_allclose(texture[0, side], expected / (dx.size * 8), rtol=1e-5)


def slow_merge(regions: Regions, measures: frozenset[str]) -> list[list[int]]:
    """The hierarchy by looking at all touching pairs again after every merge, in float64."""
    area = regions.image_size
    alive = {
        i: (int(regions.sizes[i]), regions.boxes[i].tolist(), regions.colour[i].astype(float), regions.texture[i].astype(float))
        for i in range(len(regions))
    }  # fmt: skip
    touching = {tuple(pair) for pair in regions.pairs.tolist()}
    boxes = regions.boxes.tolist()
    while touching:

        def similarity(pair: tuple[int, int]) -> float:
            (n, a, colour_a, texture_a), (m, b, colour_b, texture_b) = alive[pair[0]], alive[pair[1]]
            around = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
            parts = {
                "colour": np.minimum(colour_a, colour_b).sum(),
                "texture": np.minimum(texture_a, texture_b).sum(),
                "size": 1 - (n + m) / area,
                "fill": 1 - (around - n - m) / area,
            }
            return sum(parts[name] for name in measures)

        i, j = max(sorted(touching), key=similarity)
        (n, a, *histograms_a), (m, b, *histograms_b) = alive.pop(i), alive.pop(j)
        merged = [(n * x + m * y) / (n + m) for x, y in zip(histograms_a, histograms_b, strict=True)]
        box = [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]
        new = len(boxes)
        alive[new] = (n + m, box, *merged)
        boxes.append(box)
        renamed = {tuple(sorted(new if x in (i, j) else x for x in pair)) for pair in touching}
        touching = {pair for pair in renamed if pair[0] != pair[1]}
    return boxes


@pytest.mark.parametrize("measures", [{"colour", "texture", "size", "fill"}, {"size"}, {"texture", "fill"}])
def test_the_heap_merges_as_looking_at_every_pair_does(measures: set[str]):
    image = cv2.resize(load_sample_image("china.jpg"), (60, 40), interpolation=cv2.INTER_AREA)
    labels = cv2.ximgproc.segmentation.createGraphSegmentation(0.5, 30, 10).processImage(image)
    (regions,) = measure_segmentations([labels], pixel_bins(image))
    assert len(regions) > 10
    found = merge_regions(regions, frozenset(measures))
    assert found.boxes.tolist() == slow_merge(regions, frozenset(measures))
    assert found.levels.tolist() == list(range(len(found.boxes), 0, -1))


def test_segmentations_measured_together_are_measured_as_each_alone():
    image = cv2.resize(load_sample_image("flower.jpg"), (90, 60), interpolation=cv2.INTER_AREA)
    bins = pixel_bins(image)
    segmentations = [
        cv2.ximgproc.segmentation.createGraphSegmentation(0.5, k, 10).processImage(image)
        for k in (20, 50, 300)
    ]
    assert len({int(labels.max()) for labels in segmentations}) == 3
    for together, labels in zip(measure_segmentations(segmentations, bins), segmentations, strict=True):
        (alone,) = measure_segmentations([labels], bins)
        for name in ("sizes", "boxes", "colour", "texture", "pairs", "image_size"):
            np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))


def test_unions_are_the_boxes_around_a_late_region_and_its_neighbours():
    """Four regions in a row, equal but for their size: 0 and 1 merge first, then 2, then 3."""
    boxes = np.array([[0, 0, 1, 10], [1, 0, 2, 10], [2, 0, 5, 10], [5, 0, 12, 10]])
    even = np.full((4, 2), 0.5, np.float32)
    pairs = np.array([[0, 1], [1, 2], [2, 3]])
    row = Regions(np.array([10, 10, 30, 70]), boxes, even, even, pairs, 120)
    size = frozenset({"size"})
    found = merge_regions(row, size, unions=2)
    assert found.boxes[4:7].tolist() == [[0, 0, 2, 10], [0, 0, 5, 10], [0, 0, 12, 10]]
    # The last two merged regions are [0, 5] and the whole; only the former has a neighbour, number 3.
    assert found.boxes[7:].tolist() == [[0, 0, 12, 10]]
    assert found.levels.tolist() == [7, 6, 5, 4, 3, 2, 1, 2 + 2]
    assert merge_regions(row, size, unions=3).boxes[7:].tolist() == [[0, 0, 5, 10], [0, 0, 12, 10]]


def test_unions_find_more_objects_than_the_hierarchies_alone(catalog: Catalog, photograph: np.ndarray):
    """Every pair of touching merged regions that a hierarchy did not join is another candidate."""
    alone = {tuple(box) for box in propose(catalog, "selective-search", photograph, unions=0).boxes.tolist()}
    more = {tuple(box) for box in propose(catalog, "selective-search", photograph).boxes.tolist()}
    assert alone < more


def test_sliding_windows_leave_no_gap(catalog: Catalog):
    image = np.zeros((50, 70, 3), np.uint8)
    boxes = propose(catalog, "sliding-window", image, scales=(0.5,), ratios=(1.0,), stride=1.0).boxes
    covered = np.zeros((50, 70), bool)
    for x1, y1, x2, y2 in boxes.astype(int).tolist():
        covered[y1:y2, x1:x2] = True
    assert covered.all()
    assert len(boxes) == 2 * 3


def test_edge_boxes_find_a_bright_square(catalog: Catalog):
    image = np.zeros((120, 160, 3), np.uint8)
    image[30:80, 50:110] = 255
    boxes = propose(catalog, "edge-boxes", image).boxes
    assert iou_matrix(boxes[:20], np.array([[50, 30, 110, 80]], np.float32)).max() > 0.8
