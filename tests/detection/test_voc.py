"""Reading Pascal VOC: good annotations exactly, bad ones counted by name and never fatal half-way."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from netlab.detection.data import annotation as v
from netlab.detection.data.voc import read_voc
from netlab.errors import UsageError

from .conftest import annotation, box_xml

GOOD = annotation(box_xml("cat", (1, 2, 30.5, 20)))


def only(folder: Path, **options: object) -> v.AnnotatedImage:
    data = read_voc(folder, val_fraction=0.5, **options)  # type: ignore[arg-type]
    (image,) = [image for image in (*data.train, *data.val) if image.name == "a"]
    return image


def all_names(folder: Path) -> list[str]:
    data = read_voc(folder)
    return sorted(image.name for image in (*data.train, *data.val))


def problems(folder: Path) -> str:
    return "\n".join(read_voc(folder).problems.lines())


def test_boxes_are_kept_as_written_fractions_included(voc):
    image = only(voc({"a": GOOD}))
    assert image.boxes.tolist() == [[1, 2, 30.5, 20]]
    assert image.boxes.dtype == np.float32
    assert image.names == ("cat",)
    assert image.size == (40, 30)


def test_one_based_boxes_start_a_pixel_earlier_and_hold_their_last_pixel(voc):
    folder = voc({"a": annotation(box_xml("cat", (1, 1, 40, 30)))})
    assert only(folder, one_based=True).boxes.tolist() == [[0, 0, 40, 30]]


def test_difficult_is_read(voc):
    xml = annotation(box_xml("cat", (1, 1, 9, 9), "<difficult>1</difficult>"), box_xml("cat", (2, 2, 9, 9)))
    assert only(voc({"a": xml})).difficult.tolist() == [True, False]


def test_entity_declarations_are_refused_and_the_rest_is_read(voc):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><annotation><object><name>&a;</name></object></annotation>'
    folder = voc({"a": GOOD, "bomb": bomb})
    assert all_names(folder) == ["a"]
    assert "entities" in problems(folder)
    assert "bomb.xml" in problems(folder)


def test_external_entities_do_not_read_files(voc, tmp_path: Path):
    (tmp_path / "secret").write_text("cat")
    xml = f'<!DOCTYPE x [<!ENTITY s SYSTEM "file://{tmp_path}/secret">]>' + annotation(
        box_xml("&s;", (1, 1, 9, 9))
    )
    folder = voc({"a": GOOD, "b": xml})
    assert all_names(folder) == ["a"]


@pytest.mark.parametrize("filename", ["../outside.png", "/etc/passwd", "..\\outside.png", ".."])
def test_file_names_that_lead_elsewhere_are_not_followed(voc, tmp_path: Path, filename: str):
    cv2.imwrite(str(tmp_path / "outside.png"), np.zeros((3, 3, 3), np.uint8))
    folder = voc({"a": annotation(box_xml("cat", (1, 1, 9, 9)), filename=filename)})
    assert only(folder).path == folder / "a.png"
    assert "not followed: 1 (a.xml)" in problems(folder)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((20, 2, 10, 8), "inverted"),
        ((5, 5, 5, 9), "inverted"),
        ((100, 100, 120, 120), "outside the image"),
        (("x", 1, 2, 3), "without four numbers"),
        (("nan", 1, 2, 3), "without four numbers"),
        ((1, 1, "inf", 3), "without four numbers"),
        (("", 1, 2, 3), "without four numbers"),
    ],
)
def test_bad_boxes_are_left_out_and_counted(voc, box: tuple[object, ...], said: str):
    folder = voc({"a": annotation(box_xml("cat", box), box_xml("cat", (1, 1, 9, 9)))})
    assert only(folder).boxes.tolist() == [[1, 1, 9, 9]]
    assert said in problems(folder)
    assert "a.xml" in problems(folder)


def test_boxes_that_reach_outside_are_cut_and_counted(voc):
    folder = voc({"a": annotation(box_xml("cat", (-5, 2, 60, 20)))})
    assert only(folder).boxes.tolist() == [[0, 2, 40, 20]]
    assert "cut to the image: 1 (a.xml)" in problems(folder)


def test_an_image_without_objects_is_background(voc):
    folder = voc({"a": GOOD, "empty": annotation()})
    assert all_names(folder) == ["a", "empty"]
    assert "background: 1 (empty)" in problems(folder)


@pytest.mark.parametrize("xml", ["", "<annotation>", "not xml", "<html/>", "<annotation>\x00</annotation>"])
def test_files_that_are_no_annotation_are_counted(voc, xml: str):
    folder = voc({"a": GOOD, "bad": xml})
    assert all_names(folder) == ["a"]
    assert "bad.xml" in problems(folder)


def test_missing_and_damaged_images_are_counted(voc):
    folder = voc({"a": GOOD, "gone": GOOD, "cut": GOOD})
    (folder / "gone.png").unlink()
    (folder / "cut.png").write_bytes((folder / "cut.png").read_bytes()[:20])
    assert all_names(folder) == ["a"]
    assert "gone.xml" in problems(folder)
    assert "cut.xml" in problems(folder)


def test_huge_annotations_are_refused(voc, monkeypatch: pytest.MonkeyPatch):
    folder = voc({"a": GOOD, "big": annotation(*[box_xml("cat", (1, 1, 9, 9))] * 50)})
    monkeypatch.setattr(v, "LARGEST_XML", 1000)
    assert all_names(folder) == ["a"]
    assert "big.xml" in problems(folder)


def test_boxes_made_before_the_image_was_turned_are_not_used(voc):
    size = "<size><width>30</width><height>40</height></size>"
    folder = voc({"a": GOOD, "turned": annotation(box_xml("cat", (1, 1, 9, 9)), size=size)})
    assert all_names(folder) == ["a"]
    assert "turned.xml" in problems(folder)


def test_only_the_classes_asked_for_are_kept(voc):
    both = annotation(box_xml("cat", (1, 1, 9, 9)), box_xml("dog", (10, 10, 20, 20)))
    data = read_voc(voc({"a": both, "b": both}), classes=["dog"])
    assert data.class_names == ("dog",)
    assert data.train[0].names == ("dog",)
    assert data.train[0].boxes.tolist() == [[10, 10, 20, 20]]


def test_a_class_that_never_occurs_is_an_error_with_the_closest_name(voc):
    with pytest.raises(UsageError, match=r"'cats' never occurs.*Did you mean 'cat'"):
        read_voc(voc({"a": GOOD}), classes=["cats"])


def test_no_object_at_all_is_an_error(voc):
    with pytest.raises(UsageError, match="no annotation"):
        read_voc(voc({"a": annotation()}))


def test_a_folder_without_annotations_is_an_error(tmp_path: Path):
    with pytest.raises(UsageError, match="no VOC annotations"):
        read_voc(tmp_path)


def test_the_split_is_by_image_and_by_seed(voc):
    folder = voc({f"i{k}": GOOD for k in range(10)})
    splits = [read_voc(folder, seed=seed) for seed in (0, 0, 1)]
    names = [[image.name for image in data.val] for data in splits]
    assert names[0] == names[1] != names[2]
    for data in splits:
        assert len(data.val) == 2
        assert not {i.name for i in data.train} & {i.name for i in data.val}


def test_a_share_of_0_holds_nothing_out_and_the_smallest_share_one_image(voc):
    folder = voc({f"i{k}": GOOD for k in range(5)})
    assert [len(read_voc(folder, val_fraction=share).val) for share in (0.0, 0.01, 0.9)] == [0, 1, 4]


def test_imagesets_split_the_images(scenes: Path):
    data = read_voc(scenes)
    assert (len(data.train), len(data.val)) == (10, 4)
    assert data.has_split
    assert data.class_names == ("seven", "three")


def test_names_in_imagesets_can_not_lead_elsewhere_and_shared_ones_are_validation(voc):
    folder = voc({"a": GOOD, "b": GOOD})
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_text("a\n../../b\nnowhere\nb 1\n\n")
    (sets / "val.txt").write_text("b -1\n")
    data = read_voc(folder)
    assert [image.name for image in data.train] == ["a"]
    assert [image.name for image in data.val] == ["b"]
    text = "\n".join(data.problems.lines())
    assert "without an annotation: 2 (../../b, nowhere)" in text
    assert "kept in val: 1 (b)" in text


def test_the_case_of_xml_does_not_matter_and_of_two_one_is_read(voc, tmp_path: Path):
    folder = voc({"a": GOOD, "b": GOOD})
    (folder / "b.xml").rename(folder / "b.XML")
    (folder / "a.Xml").write_text(GOOD)
    assert all_names(folder) == ["a", "b"]
    assert "another one has the name: 1" in problems(folder)


def test_images_without_an_annotation_are_counted_and_named(voc):
    folder = voc({"a": GOOD, "b": GOOD, "lost": GOOD})
    (folder / "lost.xml").unlink()
    assert all_names(folder) == ["a", "b"]
    assert "images without an annotation left out: 1 (lost.png)" in problems(folder)


@pytest.mark.parametrize(
    ("size", "box", "said"),
    [
        ((80, 60), [2, 4, 20, 16], "boxes scaled"),
        ((20, 15), [8, 16, 40, 30], "boxes scaled"),
        ((53, 40), [3.02, 6, 30.19, 24], "boxes scaled"),  # 40 x 30 times 4/3, rounded
        ((80, 30), None, "another shape than the image"),
        ((0, 0), [4, 8, 40, 30], ""),
        ((40, 30), [4, 8, 40, 30], ""),
    ],
)
def test_boxes_of_another_size_of_the_image_are_scaled_or_left_out(
    voc, size: tuple[int, int], box: list[float] | None, said: str
):
    words = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    xml = annotation(box_xml("cat", (4, 8, 40, 32)), size=words)
    folder = voc({"a": xml, "b": GOOD})
    if box is None:
        assert all_names(folder) == ["b"]
    else:
        np.testing.assert_allclose(only(folder).boxes[0], box, atol=0.01)
    assert said in problems(folder)
    assert said or "size" not in problems(folder)


def test_pipes_and_loops_of_links_are_left_out_and_do_not_hang(voc):
    folder = voc({"a": GOOD, "pipe": GOOD, "image": GOOD, "loop": GOOD})
    for name in ("pipe.xml", "image.png", "loop.xml"):
        (folder / name).unlink()
    os.mkfifo(folder / "pipe.xml")
    os.mkfifo(folder / "image.png")
    (folder / "loop.xml").symlink_to("loop.xml")
    assert all_names(folder) == ["a"]
    found = problems(folder)
    assert "is no file" in found
    assert "loop.xml" in found
    assert "image.xml" in found


def test_a_class_called_background_is_refused(voc):
    folder = voc({"a": GOOD, "b": annotation(box_xml("Background", (1, 1, 9, 9)))})
    with pytest.raises(UsageError, match="is called 'Background'.*--classes"):
        read_voc(folder)
    assert read_voc(folder, classes=["cat"]).class_names == ("cat",)


def test_a_class_of_validation_images_only_is_named(scenes: Path, tmp_path: Path):
    folder = tmp_path / "voc"
    shutil.copytree(scenes, folder)
    name = (folder / "ImageSets/Main/val.txt").read_text().split()[0]
    xml = folder / "Annotations" / f"{name}.xml"
    xml.write_text(re.sub("<name>[a-z]*</name>", "<name>nine</name>", xml.read_text(), count=1))
    data = read_voc(folder)
    assert "nine" in data.class_names
    assert "validation images only, and can not be learnt: 1 (nine)" in "\n".join(data.problems.lines())
