"""Datasets: what they give, and what they say of files that are wrong."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from netlab.data.load import data_digest, load_data
from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData


def load(catalog: Catalog, name: str, root: Path = Path("nowhere"), **options: Any) -> ImageData:
    component = catalog.find("dataset", name)
    return load_data(component, component.make_options(options), root=root, offline=True)


def arrays(**changes: Any) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    given = {
        "train_images": rng.integers(0, 256, (12, 5, 6, 3), dtype=np.uint8),
        "train_labels": np.arange(12) % 3,
        "test_images": rng.integers(0, 256, (6, 5, 6, 3), dtype=np.uint8),
        "test_labels": np.arange(6) % 3,
    }
    given.update(changes)
    return {name: value for name, value in given.items() if value is not None}


def test_digits_are_scikit_learns_1797_real_images(catalog: Catalog) -> None:
    data = load(catalog, "digits", size=8)
    assert (len(data.train), len(data.test)) == (1437, 360)
    assert data.train.images.shape[1:] == (1, 8, 8)
    everything = torch.cat([data.train.images, data.test.images]).flatten(1).sum(0)
    expected = torch.from_numpy(np.round(load_digits().images * 255 / 16)).flatten(1).sum(0)
    assert torch.equal(everything.double(), expected)
    assert "horizontal-flip" not in data.augmentations


def test_digits_default_to_32_pixels(catalog: Catalog) -> None:
    assert load(catalog, "digits").train.images.shape == (1437, 1, 32, 32)


def test_npz_reads_channels_last_and_grey_and_column_labels(catalog: Catalog, tmp_path: Path) -> None:
    given = arrays()
    np.savez(tmp_path / "rgb.npz", **given)
    data = load(catalog, "npz", path=tmp_path / "rgb.npz")
    assert data.train.images.shape == (12, 3, 5, 6)
    assert np.array_equal(data.train.images.permute(0, 2, 3, 1).numpy(), given["train_images"])
    assert data.class_names == ("0", "1", "2")
    grey = {name: value[..., 0] if "images" in name else value[:, None] for name, value in given.items()}
    np.savez(
        tmp_path / "medmnist.npz", **grey, val_images=grey["test_images"], val_labels=grey["test_labels"]
    )
    data = load(catalog, "npz", path=tmp_path / "medmnist.npz")
    assert data.train.images.shape == (12, 1, 5, 6)
    assert data.val is not None
    assert len(data.val) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_labels": np.arange(11) % 3}, "12 'train_images' but 11 'train_labels'"),
        ({"train_labels": None}, "'train_labels' is missing"),
        ({"train_images": np.zeros((12, 5, 6, 3), np.float32)}, "float32, expected uint8"),
        ({"train_images": np.zeros((12, 5, 6, 4), np.uint8)}, r"shape \(12, 5, 6, 4\)"),
        ({"train_labels": np.arange(12) % 3 - 1}, "label -1; labels start at 0"),
        ({"train_labels": np.arange(12) / 2}, "float64"),
        ({"train_labels": np.arange(12) % 2}, "no training image has the class '2'"),
        ({"class_names": np.array(["a", "b"])}, "2 class_names, but labels up to 2"),
        ({"test_images": np.zeros((6, 5, 5, 3), np.uint8)}, "differ in shape"),
    ],
)
def test_arrays_that_do_not_fit_are_named(
    catalog: Catalog, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    np.savez(tmp_path / "bad.npz", **arrays(**changes))
    with pytest.raises(UsageError, match=message):
        load(catalog, "npz", path=tmp_path / "bad.npz")


def test_a_truncated_or_pickled_npz_is_refused_in_one_line(catalog: Catalog, tmp_path: Path) -> None:
    whole = tmp_path / "whole.npz"
    np.savez(whole, **arrays())
    for share in (0.3, 0.6, 0.95):
        cut = tmp_path / "cut.npz"
        cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
        with pytest.raises(UsageError, match="can not be read"):
            load(catalog, "npz", path=cut)
    np.savez(tmp_path / "pickled.npz", **arrays(train_labels=np.array([object()] * 12)))
    with pytest.raises(UsageError, match="holds Python objects, which are never unpickled"):
        load(catalog, "npz", path=tmp_path / "pickled.npz")
    with pytest.raises(UsageError, match="no file"):
        load(catalog, "npz", path=tmp_path / "absent.npz")


def write_folder(top: Path, classes: tuple[str, ...] = ("cat", "dog")) -> None:
    for part in ("train", "test"):
        for label, name in enumerate(classes):
            (top / part / name).mkdir(parents=True)
            for number in range(3):
                image = np.full((10, 14, 3), (0, 0, 100 * label + number), np.uint8)  # BGR
                cv2.imwrite(str(top / part / name / f"{number}.png"), image)


def test_folder_reads_classes_sorted_and_colours_as_rgb(catalog: Catalog, tmp_path: Path) -> None:
    write_folder(tmp_path)
    data = load(catalog, "folder", path=tmp_path, size=8)
    assert data.class_names == ("cat", "dog")
    assert data.train.images.shape == (6, 3, 8, 8)
    assert data.train.images[3:, 0].unique().tolist() == [100, 101, 102]  # red
    assert int(data.train.images[:, 1:].max()) == 0


def test_an_npz_that_declares_more_than_is_allowed_is_refused_before_memory_is_asked_for(
    catalog: Catalog, tmp_path: Path
) -> None:
    blank = np.zeros((60_000, 5, 6, 3), np.uint8)  # 5 MB that fit into a few KB
    np.savez_compressed(
        tmp_path / "bomb.npz", **arrays(train_images=blank, train_labels=np.arange(60_000) % 3)
    )
    with pytest.raises(
        UsageError, match=r"its arrays would take 0\.00\d+ GiB, and --data.most-gib allows 0.001"
    ):
        load(catalog, "npz", path=tmp_path / "bomb.npz", most_gib=0.001)
    assert len(load(catalog, "npz", path=tmp_path / "bomb.npz", most_gib=0.1).train) == 60_000
    header = np.lib.format.header_data_from_array_1_0(blank) | {"shape": (10**9, 5, 6, 3)}
    with zipfile.ZipFile(tmp_path / "liar.npz", "w") as archive:
        for name, value in arrays(train_images=None).items():
            with archive.open(f"{name}.npy", "w") as file:
                np.save(file, value)
        with archive.open("train_images.npy", "w") as file:
            np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(UsageError, match=r"train_images.npy is cut short, or its header is wrong"):
        load(catalog, "npz", path=tmp_path / "liar.npz")


def test_folder_goes_on_past_a_damaged_image_and_names_it(catalog: Catalog, tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "train" / "dog" / "1.png").write_bytes(b"not an image")
    data = load(catalog, "folder", path=tmp_path)
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1]
    (problem,) = [text for text in data.problems if "left out" in text]
    assert problem.startswith("1 image is left out")
    assert "dog/1.png" in problem
    for number in (0, 2):
        (tmp_path / "train" / "dog" / f"{number}.png").write_bytes(b"")
    with pytest.raises(UsageError, match="no training image has the class 'dog'"):
        load(catalog, "folder", path=tmp_path)


def test_folder_refuses_an_empty_class_and_a_folder_that_is_not_there(
    catalog: Catalog, tmp_path: Path
) -> None:
    write_folder(tmp_path)
    (tmp_path / "train" / "emu").mkdir()
    with pytest.raises(UsageError, match="emu has no images"):
        load(catalog, "folder", path=tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        load(catalog, "folder", path=tmp_path / "absent")


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_that_is_not_there_says_what_to_do(catalog: Catalog, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="--data-dir"):
        load(catalog, name, root=tmp_path)


def test_a_damaged_cifar_file_fails_its_checksum(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for number in range(1, 6):
        (folder / f"data_batch_{number}").write_bytes(b"cos\nsystem\n(S'touch hacked'\ntR.")
    with pytest.raises(UsageError, match="damaged"):
        load(catalog, "cifar10", root=tmp_path)
    assert not (tmp_path / "hacked").exists()


def test_the_digest_tells_data_sets_apart(catalog: Catalog) -> None:
    data = load(catalog, "digits", size=8)
    again = load(catalog, "digits", size=8)
    assert data_digest(data) == data_digest(again)
    again.train.images[0, 0, 0, 0] += 1
    assert data_digest(data) != data_digest(again)
