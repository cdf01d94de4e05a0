"""Images and annotations for the tests of detection, made on the spot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from netlab.cli.app import main

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

MakeVoc = Callable[..., Path]

# Small enough for a test: few proposals, a small map, few epochs.
QUICK = (
    "--detector", "rcnn", "--weights", "none", "--image-side", "192", "--long-side", "120", "--limit", "120", "--epochs", "4",
    "--jitter", "6", "--mine-after", "2", "--no-cache",
)  # fmt: skip


def box_xml(name: str, box: tuple[object, ...], extra: str = "") -> str:
    corners = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return f"<object><name>{name}</name>{extra}<bndbox>{corners}</bndbox></object>"


def annotation(*objects: str, filename: str = "", size: str = "") -> str:
    return f"<annotation><filename>{filename}</filename>{size}{''.join(objects)}</annotation>"


@pytest.fixture
def voc(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Make a flat data set of annotations by name, each with a 40 x 30 image."""

    def make(annotations: dict[str, str], **files: bytes) -> Path:
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        for name, xml in annotations.items():
            (folder / f"{name}.xml").write_text(xml)
            image = np.full((30, 40, 3), 200, np.uint8)
            cv2.imwrite(str(folder / f"{name}.png"), image)
        return folder

    return make


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few small photographs with pasted digits, in VOC layout."""
    from make_voc_scenes import make_scenes

    folder = tmp_path_factory.mktemp("scenes") / "voc"
    make_scenes(folder, train=10, val=4, size=(90, 120))
    return folder


@pytest.fixture(scope="session")
def trained(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("detectors")
    with pytest.raises(SystemExit) as leaving:
        main(["detect", "train", str(scenes), *QUICK, "--detectors", str(folder), "--name", "run", "--quiet"])
    assert leaving.value.code == 0
    return folder / "run"
