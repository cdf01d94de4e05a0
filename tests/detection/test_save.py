"""Every format, read back by something else."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from faster_coco_eval import COCO

from netlab.data.image_sources import SourceImage
from netlab.detection.data.voc import read_voc
from netlab.detection.model.detect import NOTHING, Detections
from netlab.detection.output.crops import folder_name, save_crops
from netlab.detection.output.draw import draw_boxes, tile
from netlab.detection.output.formats import WRITERS

NAMES = ("cat", "dog")
PIXELS = np.full((60, 80, 3), 128, np.uint8)
FOUND = Detections(
    np.array([[8, 6, 40.5, 36], [0, 0, 80, 60]], np.float32),
    np.array([0.9, 0.25], np.float32),
    np.array([2, 1]),
)


@pytest.fixture(params=[0, 1, 2])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int]:
    """All formats of 0 to 2 images; the first with two detections, the second with none."""
    writers = [make(tmp_path, NAMES) for make in WRITERS.values()]
    for i, found in enumerate([FOUND, NOTHING][: request.param]):
        source = SourceImage(f"img{i}", Path(f"in/img{i}.jpg"), PIXELS)
        for writer in writers:
            writer.add(source, PIXELS, found)
    for writer in writers:
        writer.close()
    return tmp_path, request.param


def test_json_lists_every_image(written: tuple[Path, int]):
    folder, images = written
    rows = json.loads((folder / "detections.json").read_text())
    assert [row["image"] for row in rows] == [f"in/img{i}.jpg" for i in range(images)]
    if images:
        assert rows[0]["detections"][0] == {"class": "dog", "score": 0.9, "box": [8, 6, 40.5, 36]}


def test_coco_is_a_data_set_that_coco_reads(written: tuple[Path, int], capsys: pytest.CaptureFixture[str]):
    folder, images = written
    data = COCO(str(folder / "coco.json"))
    assert len(data.imgs) == images
    assert [category["name"] for category in data.dataset["categories"]] == ["cat", "dog"]
    if images:
        first = data.anns[1]
        assert (first["bbox"], first["category_id"], first["image_id"]) == ([8, 6, 32.5, 30], 2, 1)
    assert not list(folder.glob(".*"))
    assert not list(folder.glob("*.annotations"))


def test_csv_has_a_row_a_detection(written: tuple[Path, int]):
    folder, images = written
    with (folder / "detections.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (2 if images else 0)
    if images:
        assert (rows[0]["class"], rows[0]["x2"], rows[0]["score"]) == ("dog", "40.50", "0.900000")


def test_yolo_is_shares_of_the_image(written: tuple[Path, int]):
    folder, images = written
    assert (folder / "yolo" / "classes.txt").read_text() == "cat\ndog\n"
    for i in range(images):
        lines = (folder / "yolo" / f"img{i}.txt").read_text().splitlines()
        assert len(lines) == (2, 0)[i]
    if images:
        rows = np.loadtxt(folder / "yolo" / "img0.txt", ndmin=2)
        np.testing.assert_allclose(rows[0], [1, 24.25 / 80, 21 / 60, 32.5 / 80, 30 / 60, 0.9], atol=1e-6)


def test_voc_is_read_back_to_the_same_boxes(written: tuple[Path, int]):
    folder, images = written
    if not images:
        return
    for i in range(images):
        cv2.imwrite(str(folder / "voc" / f"img{i}.jpg"), PIXELS)
    data = read_voc(folder / "voc")
    (image,) = [image for image in (*data.train, *data.val) if image.name == "img0"]
    np.testing.assert_allclose(image.boxes, FOUND.boxes)
    assert image.names == ("dog", "cat")


def test_pictures_show_the_boxes(written: tuple[Path, int]):
    folder, images = written
    for i in range(images):
        picture = cv2.imread(str(folder / "images" / f"img{i}.png"))
        assert picture.shape == (60, 80, 3)
        assert (picture != 128).any() == (i == 0)


def test_drawing_leaves_the_image_as_it_was_and_what_is_far_from_boxes():
    before = PIXELS.copy()
    drawn = draw_boxes(PIXELS, np.array([[10, 20, 30, 40]], np.float32), [""], [(255, 0, 0)])
    np.testing.assert_array_equal(PIXELS, before)
    assert drawn[20, 20, 0] > 230
    assert drawn[20, 20, 2] < 30
    np.testing.assert_array_equal(drawn[45:], before[45:])
    np.testing.assert_array_equal(drawn[24:36, 14:26], before[24:36, 14:26])


def test_tiles_hold_every_picture():
    sheet = tile(
        [np.full((10, 20, 3), level, np.uint8) for level in (10, 60, 110)], columns=2, side=40, gap=4
    )
    # Two columns of 40 and three gaps; two rows as high as the pictures, 20, and three gaps.
    assert sheet.shape == (52, 92, 3)
    assert {10, 60, 110} <= set(np.unique(sheet).tolist())


@pytest.mark.parametrize("name", ["../../etc", "/abs", "a/b", "..", "", "nul\0", "a\\b", " . "])
def test_a_class_name_can_not_lead_out_of_the_folder(tmp_path: Path, name: str):
    folder = tmp_path / folder_name(name)
    assert folder.parent == tmp_path
    assert folder.name not in ("", ".", "..")
    assert not set(folder.name) & set("/\\\0")


def test_crops_hold_the_pixels_of_their_region(tmp_path: Path):
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    regions = np.array([[2, 3, 12, 13], [0, 0, 5, 5], [1, 1, 6, 6], [9, 9, 20, 20]], np.float32)
    counts = save_crops(image, "a", regions, np.array([1, 0, 0, -1]), ["cat"], tmp_path, most_background=1)
    assert counts == {"cat": 1, "background": 1}
    crop = cv2.imread(str(tmp_path / "cat" / "a_0000.png"))[..., ::-1]
    np.testing.assert_array_equal(crop, image[3:13, 2:12])
