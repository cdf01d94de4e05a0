"""An image of any size as a network takes it: against torchvision's own transforms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, v2

from netlab.data.geometry import fit
from netlab.kinds.dataset import Geometry


def photograph(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height * width)
    small = Image.fromarray(rng.integers(0, 256, (9, 11, 3), dtype=np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("size", [(300, 448), (448, 301), (57, 43), (232, 232), (33, 900)])
@pytest.mark.parametrize(("shorter", "side"), [(232, 224), (256, 224), (48, 48), (40, 50)])
@pytest.mark.parametrize("resampling", ["bilinear", "bicubic"])
def test_the_middle_is_torchvisions_pixel_by_pixel(
    size: tuple[int, int], shorter: int, side: int, resampling: str
) -> None:
    image = photograph(*size)
    reference = v2.Compose(
        [v2.Resize(shorter, interpolation=InterpolationMode(resampling)), v2.CenterCrop(side)]
    )(Image.fromarray(image))
    geometry = Geometry(side, side, shorter, resampling)  # type: ignore[arg-type]
    expected = torch.from_numpy(np.array(reference)).permute(2, 0, 1)
    assert torch.equal(fit(image, geometry, channels=3), expected)


def test_without_a_shorter_side_the_image_is_stretched_and_one_of_the_size_stays() -> None:
    image = photograph(40, 60)
    assert fit(image, Geometry(20, 10), channels=3).shape == (3, 20, 10)
    same = fit(image, Geometry(40, 60), channels=3)
    assert torch.equal(same.permute(1, 2, 0), torch.from_numpy(image.copy()))


def test_grey_is_the_weighted_sum_of_the_colours() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 1] = 100  # green: .587 in ITU-R BT.601
    assert fit(image, Geometry(4, 4), channels=1).unique().tolist() == [59]
