"""Photographs in a folder: of any size and format, split by content, and what is said of the bad ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from netlab.data.load import load_data
from netlab.data.split import SplitRule, split_data, stratified_share
from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData


def draw(path: Path, seed: int, size: tuple[int, int] = (30, 20), **save: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)).resize(size).save(path, **save)


def draw_classes(top: Path, **counts: int) -> None:
    for label, (name, count) in enumerate(counts.items()):
        for number in range(count):
            draw(top / name / f"{number:03}.png", 1000 * label + number, (30 + number, 40 - number))


def load(catalog: Catalog, path: Path, **options: Any) -> ImageData:
    component = catalog.find("dataset", "folder")
    options = component.make_options({"path": path, "size": 8, **options})
    return load_data(component, options, root=Path("nowhere"), offline=True)


def rows(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def test_a_folder_without_train_and_test_is_split_by_class(catalog: Catalog, tmp_path: Path) -> None:
    draw_classes(tmp_path, ants=20, bees=10)
    data = load(catalog, tmp_path)
    assert data.class_names == ("ants", "bees")
    assert torch.bincount(data.test.labels).tolist() == [4, 2]
    assert torch.bincount(data.train.labels).tolist() == [16, 8]
    assert not rows(data.train.images) & rows(data.test.images)
    assert data.test_groups is not None
    assert torch.bincount(load(catalog, tmp_path, test=0.5).test.labels).tolist() == [10, 5]
    other = load(catalog, tmp_path, test_seed=1)
    assert rows(other.test.images) != rows(data.test.images)


def test_the_split_depends_on_contents_not_on_names(catalog: Catalog, tmp_path: Path) -> None:
    draw_classes(tmp_path / "a", ants=12, bees=12)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for number, path in enumerate(sorted((tmp_path / "b").glob("*/*"), reverse=True)):
        path.rename(path.with_name(f"{number}-{path.name}"))
    first, second = (load(catalog, tmp_path / name) for name in "ab")
    assert rows(first.test.images) == rows(second.test.images)


def test_copies_of_an_image_never_stand_on_both_sides(catalog: Catalog, tmp_path: Path) -> None:
    draw_classes(tmp_path, ants=12, bees=12)
    for name in ("ants", "bees"):
        for number in range(12):
            for copy in range(number % 3):
                shutil.copy(
                    tmp_path / name / f"{number:03}.png", tmp_path / name / f"{number}-copy-{copy}.png"
                )
    for seed in range(8):
        data = load(catalog, tmp_path, test_seed=seed)
        splits = split_data(data, SplitRule(0.2, seed))
        parts = [rows(part.images) for part in (splits.train, splits.val, splits.test)]
        assert all(len(part) > 1 for part in parts)
        assert sum(map(len, parts)) == 24  # as many as there are different images


def test_an_image_of_two_classes_is_never_held_out(catalog: Catalog, tmp_path: Path) -> None:
    draw_classes(tmp_path, ants=6, bees=6)
    shutil.copy(tmp_path / "ants" / "000.png", tmp_path / "bees" / "same.png")
    wanted = load(catalog, tmp_path, test=0.01, test_seed=0)
    twice = torch.from_numpy(np.array(Image.open(tmp_path / "ants" / "000.png").resize((8, 8))))
    for seed in range(8):
        data = load(catalog, tmp_path, test=0.5, test_seed=seed)
        assert len(data.test) >= 6
        groups = data.groups
        assert groups is not None
        assert len(data.train) - len(groups.unique()) == 1  # both copies are trained on
    assert wanted.train.images.shape[2:] == twice.shape[:2]


def test_groups_stay_together_and_plain_points_are_drawn_as_without(catalog: Catalog) -> None:
    labels = torch.arange(60) % 3
    plain = stratified_share(labels, 0.3, seed=4)
    assert torch.equal(plain, stratified_share(labels, 0.3, seed=4, groups=torch.arange(60)))
    groups = torch.arange(60) % 3 + 3 * (torch.arange(60) // 12)
    drawn = set(stratified_share(labels, 0.3, seed=4, groups=groups).tolist())
    for group in groups.unique():
        members = set(torch.nonzero(groups == group).flatten().tolist())
        assert members <= drawn or not members & drawn


def test_every_format_is_read_and_turned_upright(catalog: Catalog, tmp_path: Path) -> None:
    draw_classes(tmp_path, plain=4)
    odd = tmp_path / "odd"
    odd.mkdir()
    left_red = np.zeros((16, 32, 3), np.uint8)
    left_red[:, :16, 0] = 255
    image = Image.fromarray(left_red)
    image.save(odd / "a.gif")
    image.convert("CMYK").save(odd / "b.jpg", quality=100)
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(odd / "c.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the left is to be on top
    image.save(odd / "d.JPG", exif=exif, quality=100)
    data = load(catalog, tmp_path, test=0.01)
    assert not data.problems
    whole = torch.cat([data.train.images, data.test.images])[
        torch.cat([data.train.labels, data.test.labels]) == 0
    ]
    assert len(whole) == 4
    greys = [i for i in whole if int(i.amin()) == int(i.amax()) == 40_000 >> 8]
    assert len(greys) == 1
    on_top = [i for i in whole if int(i[0, 0].min()) > 200 and int(i[0, -1].max()) < 60]
    on_the_left = [i for i in whole if int(i[0, :, 0].min()) > 200 and int(i[0, :, -1].max()) < 60]
    assert (len(on_top), len(on_the_left)) == (1, 2)


def test_damaged_files_are_counted_named_and_left_out(catalog: Catalog, tmp_path: Path) -> None:
    draw_classes(tmp_path, ants=8, bees=8)
    whole = (tmp_path / "ants" / "000.png").read_bytes()
    for number in range(5):
        (tmp_path / "ants" / f"bad{number}.png").write_bytes(whole[: 40 * number])
    data = load(catalog, tmp_path)
    (problem,) = data.problems
    assert problem.startswith("5 images are left out: ")
    assert problem.endswith("; and 2 more")
    assert str(tmp_path / "ants" / "bad0.png") in problem
    assert len(data.train) + len(data.test) == 16


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"ants": 5}, "has a single class"),
        ({"ants": 1, "bees": 1}, "class 'ants' has 1 image that can be read: three different ones"),
        ({"ants": 5, "bees": 2}, "class 'bees' has 2 images"),
        ({"Ants": 5, "ants": 5}, "'Ants' and 'ants', which differ by case only"),
        ({}, "has no folders: one a class"),
    ],
)
def test_what_can_not_be_split_is_refused_in_one_line(
    catalog: Catalog, tmp_path: Path, counts: dict[str, int], message: str
) -> None:
    draw_classes(tmp_path, **counts)
    with pytest.raises(UsageError, match=message) as refused:
        load(catalog, tmp_path)
    assert "\n" not in str(refused.value)


def test_copies_do_not_count_as_images(catalog: Catalog, tmp_path: Path) -> None:
    draw_classes(tmp_path, ants=5, bees=1)
    for number in range(4):
        shutil.copy(tmp_path / "bees" / "000.png", tmp_path / "bees" / f"copy{number}.png")
    with pytest.raises(UsageError, match="class 'bees' has 1 image"):
        load(catalog, tmp_path)


def test_links_out_of_the_folder_are_left_out_and_links_inside_are_not(
    catalog: Catalog, tmp_path: Path
) -> None:
    draw_classes(tmp_path / "set", ants=6, bees=6)
    draw_classes(tmp_path / "elsewhere", wasps=6)
    (tmp_path / "set" / "bees" / "out.png").symlink_to(tmp_path / "elsewhere" / "wasps" / "000.png")
    (tmp_path / "set" / "wasps").symlink_to(tmp_path / "elsewhere" / "wasps")
    (tmp_path / "set" / "bees" / "inside.png").symlink_to("001.png")
    data = load(catalog, tmp_path / "set")
    assert data.class_names == ("ants", "bees")
    assert len(data.train) + len(data.test) == 13
    assert "2 links are left out" in data.problems[0]


def test_an_image_that_is_trained_and_tested_on_is_told(catalog: Catalog, tmp_path: Path) -> None:
    draw_classes(tmp_path / "train", ants=12, bees=12)
    draw_classes(tmp_path / "test", ants=2, bees=1)
    (problem,) = load(catalog, tmp_path).problems
    assert problem.startswith("3 images that are tested or validated on also stand among the training images")


def test_classes_of_few_images_are_named(catalog: Catalog, tmp_path: Path) -> None:
    draw_classes(tmp_path, ants=20, bees=5)
    assert load(catalog, tmp_path).notes[0] == "few training images: bees (4)"
