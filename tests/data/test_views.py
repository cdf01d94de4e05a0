"""The ways in which an image is seen when a network is used, against NumPy; images made smaller, against Pillow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from netlab.data.resize import resized
from netlab.data.views import View, Views
from netlab.kinds.dataset import LabelledImages

IMAGES = torch.arange(2 * 3 * 5 * 7, dtype=torch.float32).reshape(2, 3, 5, 7)


@pytest.mark.parametrize("shift", [1, -1, 3, -4])
def test_a_moved_view_shows_what_was_shift_pixels_up_and_left_and_reflects_the_border(shift: int) -> None:
    reach = abs(shift)
    padded = np.pad(IMAGES.numpy(), ((0, 0), (0, 0), (reach, reach), (reach, reach)), mode="reflect")
    expected = np.roll(padded, (shift, shift), (2, 3))[:, :, reach:-reach, reach:-reach]
    assert np.array_equal(View(False, shift)(IMAGES).numpy(), expected)
    assert np.array_equal(View(True, shift)(IMAGES).numpy(), expected[..., ::-1])


@pytest.mark.parametrize(
    ("views", "count"), [(Views(), 1), (Views(True), 2), (Views(False, 2), 3), (Views(True, 1), 6)]
)
def test_views_begin_with_the_image_itself_and_are_all_different(views: Views, count: int) -> None:
    seen = [view(IMAGES) for view in views]
    assert len(views) == len(seen) == len({tuple(image.flatten().tolist()) for image in seen}) == count
    assert torch.equal(seen[0], IMAGES)


def test_of_the_mean_those_that_are_not_moved_are_half() -> None:
    logits = [torch.tensor([[float(10**place)]]) for place in range(6)]
    assert Views(True, 1).mean(logits).item() == pytest.approx(11 / 4 + 111100 / 8)
    assert Views(False, 1).mean(logits[:3]).item() == pytest.approx(1 / 2 + 110 / 4)
    assert Views(True).mean(logits[:2]).item() == pytest.approx(11 / 2)
    assert Views().mean(logits[:1]).item() == 1


def test_smaller_images_are_pillows_up_to_rounding_and_smaller_ones_stay() -> None:
    images = torch.randint(0, 256, (3, 3, 32, 48), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    data = LabelledImages(images, torch.arange(3))
    made = resized(data, 24)
    assert made.images.shape == (3, 3, 24, 36)
    assert made.images.dtype == torch.uint8
    for image, small in zip(images, made.images, strict=True):
        pillow = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((36, 24), Image.Resampling.BILINEAR)
        assert np.abs(np.asarray(pillow, int) - small.permute(1, 2, 0).numpy()).max() <= 1
    assert resized(data, 32) is data
