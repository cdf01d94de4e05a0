"""Every kind of image becomes upright uint8 RGB, and damaged ones one clear error."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from netlab.data import image_files
from netlab.data.image_files import ImageError, image_size, read_image


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def test_colour_is_rgb(tmp_path: Path, colours: np.ndarray):
    cv2.imwrite(str(tmp_path / "a.png"), colours[..., ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), colours)


def test_grey_becomes_three_equal_channels(tmp_path: Path, colours: np.ndarray):
    cv2.imwrite(str(tmp_path / "a.png"), colours[..., 0])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.repeat(colours[..., :1], 3, 2))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_become_the_upper_8(tmp_path: Path, colours: np.ndarray, suffix: str, channels: int):
    deep = colours[..., :channels].astype(np.uint16) * 256 + 77
    cv2.imwrite(str(tmp_path / f"a{suffix}"), deep[..., ::-1])
    expected = np.broadcast_to(colours[..., :channels], colours.shape)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), expected)


def test_transparency_is_laid_on_white(tmp_path: Path):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_image(tmp_path / "a.png")
    assert found[0, 0].tolist() == [0, 0, 0]
    assert found[1, 1].tolist() == [255, 255, 255]


def test_palettes_become_colours(tmp_path: Path):
    Image.fromarray(np.full((4, 4, 3), (250, 10, 20), np.uint8)).quantize(4).save(tmp_path / "a.gif")
    assert np.abs(read_image(tmp_path / "a.gif")[0, 0].astype(int) - (250, 10, 20)).max() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, colours: np.ndarray, orientation: int):
    turned = {
        1: colours,
        2: colours[:, ::-1],
        3: colours[::-1, ::-1],
        4: colours[::-1],
        5: colours.transpose(1, 0, 2),
        6: np.rot90(colours, -1),
        7: colours[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(colours),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(colours).save(tmp_path / "a.png", exif=exif)
    found = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(found, turned)
    assert image_size(tmp_path / "a.png") == (found.shape[1], found.shape[0])


def test_a_single_pixel_is_an_image(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((1, 1, 3), np.uint8))
    assert read_image(tmp_path / "a.png").shape == (1, 1, 3)


@pytest.mark.parametrize("kept", [0, 10, 400])
def test_an_image_cut_short_is_an_error_that_names_it(tmp_path: Path, kept: int):
    whole = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))[1]
    (tmp_path / "cut.jpg").write_bytes(whole.tobytes()[:kept])
    with pytest.raises(ImageError, match=r"cut\.jpg"):
        read_image(tmp_path / "cut.jpg")


def test_a_missing_image_is_named(tmp_path: Path):
    with pytest.raises(ImageError, match=r"gone\.png"):
        read_image(tmp_path / "gone.png")


def test_too_many_pixels_are_refused_before_they_are_decoded(
    tmp_path: Path, colours: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    cv2.imwrite(str(tmp_path / "a.png"), colours)
    monkeypatch.setattr(image_files, "LARGEST_PIXELS", 53)
    with pytest.raises(ImageError, match="9 x 6"):
        read_image(tmp_path / "a.png")
