"""``netlab data show``, and lists of images as a data set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netlab.data.inspection import alike, gradients_of, look_at
from netlab.engine.catalog import Catalog
from tests.conftest import Cli


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve ants and four bees; then a copy, a smaller copy in the other class, and a bad file."""
    rng = np.random.default_rng(0)
    for name, count in (("ants", 12), ("bees", 4)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (6, 8, 3), np.uint8)
            image = Image.fromarray(pixels).resize((80 + number, 60), Image.Resampling.BICUBIC)
            image.save(tmp_path / "photos" / name / f"{number}.png")
    ants, bees = tmp_path / "photos" / "ants", tmp_path / "photos" / "bees"
    shutil.copy(ants / "3.png", ants / "copy.png")
    Image.open(ants / "5.png").resize((40, 30)).save(bees / "small.png")
    (bees / "bad.jpg").write_bytes(b"nothing")
    return tmp_path / "photos"


def test_counts_copies_and_problems_are_told(cli: Cli, photos: Path) -> None:
    outcome = cli("data", "show", "photos", "--json")
    assert outcome.code == 1
    found = json.loads(outcome.out)
    assert found["counts"] == {"images": {"ants": 13, "bees": 6}}
    assert found["copies"] == [["photos/ants/3.png", "photos/ants/copy.png"]]
    assert found["near"] == found["other_class"] == [["photos/ants/5.png", "photos/bees/small.png"]]
    assert found["sizes"][0] == [40, 30]
    assert found["sizes"][2] == [91, 60]
    assert found["formats"] == {"png": 18, "jpg": 1}
    assert found["unread"] == ["photos/bees/bad.jpg is not an image that can be read"]
    assert found["problems"][0] == "few images: bees (6)"
    assert "classes are unequal" in found["problems"][1]
    shown = cli("data", "show", "photos")
    assert "one image in two classes: photos/ants/5.png is photos/bees/small.png" in shown.out
    assert "images that can not be read: 1" in shown.err


def test_a_contact_sheet_has_a_row_a_class(cli: Cli, photos: Path) -> None:
    (photos / "bees" / "bad.jpg").unlink()
    assert cli("data", "show", "photos", "--sheet", "sheet.png").code == 0
    sheet = np.asarray(Image.open("sheet.png"))
    half = len(sheet) // 2
    for rows in (sheet[:half], sheet[half:]):
        assert (rows != 255).any(axis=2).mean() > 0.1


def test_hashes_that_differ_little_are_those_of_brute_force(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pixels = [rng.integers(0, 256, (30, 40, 3), np.uint8) for _ in range(6)]
    pixels += [np.clip(image.astype(int) + 3, 0, 255).astype(np.uint8) for image in pixels[:3]]
    pixels.append(np.full((30, 40, 3), 9, np.uint8))  # plain: like no other
    looked = []
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        looked.append(look_at(tmp_path / f"{number}.png"))
    hashes = [gradients_of(image) for image in pixels]
    expected = [
        (i, j)
        for i in range(len(pixels))
        for j in range(i + 1, len(pixels))
        if (one := hashes[i]) is not None and (two := hashes[j]) is not None and int((one != two).sum()) <= 2
    ]
    assert sorted(alike(looked)) == expected  # type: ignore[arg-type]
    assert {(0, 6), (1, 7), (2, 8)} <= set(expected)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_list_is_the_data_set_that_it_says(catalog: Catalog, photos: Path, suffix: str) -> None:
    rows = [("ants/0.png", "ant", "train"), ("ants/1.png", "ant", "test"), ("bees/0.png", "bee", "train")]
    path = photos / f"list{suffix}"
    if suffix == ".parquet":
        pyarrow = pytest.importorskip("pyarrow", reason="Parquet lists need pyarrow")
        from pyarrow import parquet

        columns = dict(zip(("path", "label", "split"), map(list, zip(*rows, strict=True)), strict=True))
        parquet.write_table(pyarrow.table(columns), path)
    else:
        path.write_text("path,label,split\n" + "".join(f"{','.join(row)}\n" for row in rows))
    dataset = catalog.find("dataset", "folder")
    files = dataset.build(root=Path(), offline=True, options=dataset.make_options({"path": str(path)}))
    assert files.class_names == ("ant", "bee")
    assert files.train.paths == (photos / "ants/0.png", photos / "bees/0.png")
    assert files.train.labels == (0, 1)
    assert files.test is not None
    assert files.test.paths == (photos / "ants/1.png",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,kind\na.png,x\n", "has no column 'label'; it has: path, kind"),
        ("path,label\n", "lists no images"),
        ("path,label,split\na.png,x,dev\n", "row 1: the split is 'dev', not train, val or test"),
        ("path,label\na.png,\n", "row 1: there is no label"),
    ],
)
def test_a_list_that_lacks_something_is_one_line(cli: Cli, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    outcome = cli("data", "show", "list.csv")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert said in outcome.err
