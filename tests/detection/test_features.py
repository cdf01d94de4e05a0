"""Features of regions: both ways against plain computation with the unfused network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from netlab.detection.boxes import flip_boxes
from netlab.detection.model.features import CropFeatures, Pool, RoiAlignFeatures, default_pools
from netlab.engine.catalog import Catalog
from netlab.kinds.extractor import FeatureMaps


@pytest.fixture(scope="module")
def maps(catalog: Catalog) -> FeatureMaps:
    torch.manual_seed(0)
    component = catalog.find("extractor", "mobilenet_v2")
    found: FeatureMaps = component.build(weights="none", options=component.make_options({"crop_size": 64}))
    return found


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)


BOXES = np.array([[0, 0, 128, 96], [32, 16, 96, 80], [3.5, 7.25, 40, 90]], np.float32)


def normalized(maps: FeatureMaps, image: np.ndarray) -> torch.Tensor:
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    return (pixels - torch.tensor(maps.mean).view(3, 1, 1)) / torch.tensor(maps.std).view(3, 1, 1)


def test_default_pools_are_the_last_map_and_the_one_of_stride_16(maps: FeatureMaps):
    stages = [pool.stage for pool in default_pools(maps)]
    assert [maps.strides[stage] for stage in stages] == [32, 16]


def test_roialign_of_the_whole_image_is_the_mean_of_its_map(maps: FeatureMaps, image: np.ndarray):
    features = RoiAlignFeatures(maps, [Pool(4, 1)], long_side=128)
    found = features.prepare(image)(BOXES[:1])
    with torch.inference_mode():
        expected = normalized(maps, image)
        for stage in maps.stages:
            expected = stage(expected)
    # RoIAlign averages interpolated samples, which at the border are clamped: nearly the mean of the cells.
    assert functional.cosine_similarity(found, expected.mean((2, 3))).item() > 0.99


def test_roialign_of_aligned_cells_is_their_value(maps: FeatureMaps, image: np.ndarray):
    with torch.inference_mode():
        expected = normalized(maps, image)
        for stage in maps.stages[:4]:
            expected = stage(expected)
    found = RoiAlignFeatures(maps, [Pool(3, 1)], long_side=128).prepare(image)
    # A box of one cell of stride 16 is sampled around that cell's centre.
    cell = found(np.array([[48, 32, 64, 48]], np.float32))
    neighbourhood = expected[0, :, 1:4, 2:5].flatten(1)
    assert (cell[0] <= neighbourhood.max(1).values + 1e-4).all()
    assert (cell[0] >= neighbourhood.min(1).values - 1e-4).all()


def test_crop_features_equal_one_unfused_region_at_a_time(maps: FeatureMaps, image: np.ndarray):
    quick = CropFeatures(maps, default_pools(maps), batch_size=2).prepare(image)(BOXES)
    plain = CropFeatures(maps, default_pools(maps), batch_size=1, fuse=False).prepare(image)
    for row, box in zip(quick, BOXES, strict=True):
        torch.testing.assert_close(row, plain(box[None])[0], rtol=1e-3, atol=1e-4)


def test_a_crop_has_16_pixels_of_context_on_each_side(maps: FeatureMaps):
    """A box of 32 pixels fills the middle 32 of a 64 pixel crop: with it, a crop of the image as it is."""
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    found = CropFeatures(maps, [Pool(4, 1)]).prepare(image)(np.array([[16, 16, 48, 48]], np.float32))
    with torch.inference_mode():
        expected = normalized(maps, image)
        for stage in maps.stages:
            expected = stage(expected)
    torch.testing.assert_close(found, expected.mean((2, 3)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("way", [RoiAlignFeatures, CropFeatures])
def test_dimension_and_order(maps: FeatureMaps, image: np.ndarray, way: type):
    options = {"long_side": 128} if way is RoiAlignFeatures else {}
    features = way(maps, [Pool(4, 1), Pool(3, 3)], **options)
    describe = features.prepare(image)
    found = describe(BOXES)
    assert found.shape == (3, features.dimension) == (3, 1280 + 9 * 96)
    assert found.dtype == torch.float32
    torch.testing.assert_close(describe(BOXES[::-1].copy()), found.flip(0), rtol=1e-4, atol=1e-5)
    assert describe(BOXES[:0]).shape == (0, features.dimension)


def averages() -> FeatureMaps:
    """An extractor whose map is the image itself, averaged over 4 x 4 pixels."""
    return FeatureMaps((torch.nn.AvgPool2d(4),), (3,), (4,), (0.0,) * 3, (1.0,) * 3, 64, "none")


def test_cells_of_a_mirrored_image_and_box_are_mirrored(image: np.ndarray):
    features = RoiAlignFeatures(averages(), [Pool(0, 3)], long_side=128)
    plain = features.prepare(image)(BOXES).view(-1, 3, 3, 3)
    mirrored = features.prepare(np.ascontiguousarray(image[:, ::-1]))(flip_boxes(BOXES, 128)).view(
        -1, 3, 3, 3
    )
    torch.testing.assert_close(mirrored, plain.flip(3), rtol=1e-4, atol=1e-5)


def test_cells_follow_the_box_in_the_image():
    """Left half black, right half white, enlarged twice on the way: the cells of a box show the edge."""
    image = np.zeros((32, 64, 3), np.uint8)
    image[:, 32:] = 255
    features = RoiAlignFeatures(averages(), [Pool(0, 2)], long_side=128)
    found = features.prepare(image)(np.array([[16, 8, 48, 24], [33, 0, 64, 32], [0, 0, 30, 32]], np.float32))
    red = found.view(3, 3, 2, 2)[:, 0]
    assert red[0].round(decimals=2).tolist() == [[0, 1], [0, 1]]
    assert red[1].min() > 0.9
    assert red[2].max() < 0.1


def test_a_pool_that_grows_looks_around_the_region(maps: FeatureMaps, image: np.ndarray):
    grown = RoiAlignFeatures(maps, [Pool(4, 1, 2.0)], long_side=128).prepare(image)
    plain = RoiAlignFeatures(maps, [Pool(4, 1)], long_side=128).prepare(image)
    inner, outer = np.array([[48, 32, 80, 64]], np.float32), np.array([[32, 16, 96, 80]], np.float32)
    torch.testing.assert_close(grown(inner), plain(outer))
