"""Make a small detection data set with what is installed anyway: digits pasted on photographs.

    python examples/make_voc_scenes.py scenes --train 40 --val 12

Handwritten digits of scikit-learn (8 x 8, enlarged) are pasted on random cuts of its two sample
photographs, and written in Pascal VOC layout with boxes, so that every command of ``netlab detect``
can be tried without a download. The same seed makes the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_sample_images

Scene = tuple[NDArray[np.uint8], list[tuple[str, tuple[int, int, int, int]]]]


def make_scene(
    rng: np.random.Generator,
    photographs: list[NDArray[np.uint8]],
    digits: NDArray[np.float64],
    labels: NDArray[np.int64],
    names: dict[int, str],
    size: tuple[int, int],
) -> Scene:
    """A photograph (height, width, 3) with one to three digits, and the class and box of each."""
    height, width = size
    photograph = photographs[rng.integers(len(photographs))]
    top = rng.integers(photograph.shape[0] - height + 1)
    left = rng.integers(photograph.shape[1] - width + 1)
    scene = photograph[top : top + height, left : left + width].copy()
    objects: list[tuple[str, tuple[int, int, int, int]]] = []
    known = np.flatnonzero(np.isin(labels, list(names)))
    for _ in range(rng.integers(1, 4)):
        side = int(rng.integers(height // 4, height // 2))
        x, y = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
        box = (x, y, x + side, y + side)
        if any(_overlap(box, other) for _, other in objects):
            continue
        chosen = rng.choice(known)
        paper = rng.integers(200, 256, 3)
        ink = rng.integers(0, 90, 3)
        strength = cv2.resize(digits[chosen] / 16.0, (side, side), interpolation=cv2.INTER_CUBIC)
        strength = np.clip(strength, 0.0, 1.0)[..., None]
        scene[y : y + side, x : x + side] = (paper * (1 - strength) + ink * strength).astype(np.uint8)
        objects.append((names[int(labels[chosen])], box))
    return scene, objects


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def annotation(
    file: str, scene: NDArray[np.uint8], objects: list[tuple[str, tuple[int, int, int, int]]]
) -> bytes:
    """The Pascal VOC annotation of a scene, 0-based and half-open."""
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = file
    size = ElementTree.SubElement(root, "size")
    for key, value in zip(("height", "width", "depth"), scene.shape, strict=True):
        ElementTree.SubElement(size, key).text = str(value)
    for name, box in objects:
        item = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(item, "name").text = name
        ElementTree.SubElement(item, "difficult").text = "0"
        corners = ElementTree.SubElement(item, "bndbox")
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            ElementTree.SubElement(corners, key).text = str(value)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root))


def make_scenes(
    folder: Path,
    *,
    train: int,
    val: int,
    seed: int = 0,
    size: tuple[int, int] = (160, 200),
    digits: tuple[int, ...] = (3, 7),
) -> None:
    """Write ``train + val`` scenes of ``size`` (height, width) with these digits into ``folder``."""
    rng = np.random.default_rng(seed)
    photographs = [np.asarray(image, np.uint8) for image in load_sample_images().images]
    data = load_digits()
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    names = {digit: words[digit] for digit in digits}
    sets = folder / "ImageSets" / "Main"
    for needed in (folder / "Annotations", folder / "JPEGImages", sets):
        needed.mkdir(parents=True, exist_ok=True)
    listed: dict[str, list[str]] = {"train": [], "val": []}
    for number in range(train + val):
        scene, objects = make_scene(rng, photographs, data.images, data.target, names, size)
        name = f"scene_{number:04d}"
        cv2.imwrite(
            str(folder / "JPEGImages" / f"{name}.jpg"), scene[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92]
        )
        (folder / "Annotations" / f"{name}.xml").write_bytes(annotation(f"{name}.jpg", scene, objects))
        listed["train" if number < train else "val"].append(name)
    for split, names_of_split in listed.items():
        (sets / f"{split}.txt").write_text("".join(f"{name}\n" for name in names_of_split))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=40)
    parser.add_argument("--val", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    make_scenes(given.folder, train=given.train, val=given.val, seed=given.seed)
    print(f"{given.train + given.val} scenes in {given.folder}")
