"""Writing detections: images, JSON, COCO, CSV, YOLO and Pascal VOC.

Writers are fed one image at a time, so that memory does not grow with their number; files that hold
all images are written line by line to a temporary name and put in place at the end.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Protocol
from xml.etree import ElementTree

from netlab.data.image_files import RGB
from netlab.data.image_sources import SourceImage
from netlab.detection.model.detect import Detections
from netlab.detection.output.draw import class_colour, draw_boxes, write_png
from netlab.files import (
    make_folder,
    put_in_place,
    remove_leftovers,
    temporary_of,
    write_atomically,
    write_text,
)

FORMATS = ("image", "json", "coco", "csv", "yolo", "voc")


class Writer(Protocol):
    """Takes the detections of each image in turn."""

    def add(self, source: SourceImage, pixels: RGB, found: Detections) -> None: ...

    def close(self) -> None:
        """Put what was gathered in place."""
        ...


class ImageWriter:
    """``images/NAME.png``: the image with its boxes, each with its class and score."""

    def __init__(self, folder: Path, class_names: Sequence[str]) -> None:
        self.folder = folder / "images"
        self.class_names = class_names

    def add(self, source: SourceImage, pixels: RGB, found: Detections) -> None:
        texts = [
            f"{self.class_names[label - 1]} {score:.2f}"
            for label, score in zip(found.labels.tolist(), found.scores.tolist(), strict=True)
        ]
        drawn = draw_boxes(
            pixels, found.boxes, texts, [class_colour(label) for label in found.labels.tolist()]
        )
        write_png(self.folder / f"{source.name}.png", drawn)

    def close(self) -> None:
        pass


class YoloWriter:
    """``yolo/NAME.txt``: class (from 0), centre x and y, width and height as shares of the image, score."""

    def __init__(self, folder: Path, class_names: Sequence[str]) -> None:
        self.folder = folder / "yolo"
        make_folder(self.folder)
        remove_leftovers(self.folder)
        write_text(self.folder / "classes.txt", "".join(f"{name}\n" for name in class_names))

    def add(self, source: SourceImage, pixels: RGB, found: Detections) -> None:
        height, width = pixels.shape[:2]
        lines = []
        for (x1, y1, x2, y2), score, label in _rows(found):
            centre_x, centre_y = (x1 + x2) / 2 / width, (y1 + y2) / 2 / height
            w, h = (x2 - x1) / width, (y2 - y1) / height
            lines.append(f"{label - 1} {centre_x:.6f} {centre_y:.6f} {w:.6f} {h:.6f} {score:.6f}\n")
        write_text(self.folder / f"{source.name}.txt", "".join(lines))

    def close(self) -> None:
        pass


class VocWriter:
    """``voc/NAME.xml``: an annotation as netlab reads it, 0-based, with a ``confidence``."""

    def __init__(self, folder: Path, class_names: Sequence[str]) -> None:
        self.folder = folder / "voc"
        self.class_names = class_names

    def add(self, source: SourceImage, pixels: RGB, found: Detections) -> None:
        objects = [
            (self.class_names[label - 1], box, {"confidence": f"{score:.6f}"})
            for box, score, label in _rows(found)
        ]
        self.folder.mkdir(parents=True, exist_ok=True)
        xml = voc_xml(source.path.name, pixels.shape[1], pixels.shape[0], objects)
        write_bytes(self.folder / f"{source.name}.xml", xml)

    def close(self) -> None:
        pass


class _OneFile:
    """A file of all images, written as they come and put in place by ``close``."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        remove_leftovers(path.parent)
        self.path = path
        self.partial = temporary_of(path)
        self.file: IO[str] = self.partial.open("w", encoding="utf-8", newline="")
        self.images = 0

    def close(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        put_in_place(self.partial, self.path)


class CsvWriter(_OneFile):
    """``detections.csv``: one row a detection."""

    def __init__(self, folder: Path, class_names: Sequence[str]) -> None:
        super().__init__(folder / "detections.csv")
        self.class_names = class_names
        self.rows = csv.writer(self.file, lineterminator="\n")
        self.rows.writerow(["image", "frame", "class", "score", "x1", "y1", "x2", "y2"])

    def add(self, source: SourceImage, pixels: RGB, found: Detections) -> None:
        frame = "" if source.frame is None else source.frame
        for box, score, label in _rows(found):
            numbers = [f"{value:.2f}" for value in box]
            self.rows.writerow([source.path, frame, self.class_names[label - 1], f"{score:.6f}", *numbers])


class JsonWriter(_OneFile):
    """``detections.json``: a list of images, each with its size and detections."""

    def __init__(self, folder: Path, class_names: Sequence[str]) -> None:
        super().__init__(folder / "detections.json")
        self.class_names = class_names
        self.file.write("[")

    def add(self, source: SourceImage, pixels: RGB, found: Detections) -> None:
        self.file.write(",\n" if self.images else "\n")
        self.file.write(json.dumps(as_json(source, pixels, found, self.class_names)))
        self.images += 1

    def close(self) -> None:
        self.file.write("\n]\n")
        super().close()


class CocoWriter(_OneFile):
    """``coco.json``: a COCO data set whose annotations carry a ``score``.

    Images and categories are numbered from 1. The two lists can not be interleaved in one file, so
    the annotations wait in a second one.
    """

    def __init__(self, folder: Path, class_names: Sequence[str]) -> None:
        super().__init__(folder / "coco.json")
        categories = [{"id": i, "name": name} for i, name in enumerate(class_names, start=1)]
        self.file.write(
            f'{{"info": {{}}, "licenses": [], "categories": {json.dumps(categories)},\n"images": ['
        )
        self.waiting = _OneFile(folder / "coco.annotations")
        self.annotations = 0

    def add(self, source: SourceImage, pixels: RGB, found: Detections) -> None:
        self.file.write(",\n" if self.images else "\n")
        self.images += 1
        image = {
            "id": self.images,
            "file_name": str(source.path),
            "width": pixels.shape[1],
            "height": pixels.shape[0],
        }
        if source.frame is not None:
            image["frame"] = source.frame
        self.file.write(json.dumps(image))
        for (x1, y1, x2, y2), score, label in _rows(found):
            self.waiting.file.write(",\n" if self.annotations else "\n")
            self.annotations += 1
            row = {
                "id": self.annotations,
                "image_id": self.images,
                "category_id": label,
                "bbox": [round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)],
                "area": round((x2 - x1) * (y2 - y1), 2),
                "iscrowd": 0,
                "score": round(score, 6),
            }
            self.waiting.file.write(json.dumps(row))

    def close(self) -> None:
        self.waiting.file.close()
        self.file.write('],\n"annotations": [')
        with self.waiting.partial.open(encoding="utf-8") as lines:
            for line in lines:
                self.file.write(line)
        self.waiting.partial.unlink()
        self.file.write("]}\n")
        super().close()


WRITERS: dict[str, Callable[[Path, Sequence[str]], Writer]] = {
    "image": ImageWriter,
    "json": JsonWriter,
    "coco": CocoWriter,
    "csv": CsvWriter,
    "yolo": YoloWriter,
    "voc": VocWriter,
}


def as_json(
    source: SourceImage, pixels: RGB, found: Detections, class_names: Sequence[str]
) -> dict[str, Any]:
    """One image and its detections: boxes as [x1, y1, x2, y2], half-open, 0-based, in pixels."""
    row: dict[str, Any] = {"image": str(source.path), "width": pixels.shape[1], "height": pixels.shape[0]}
    if source.frame is not None:
        row["frame"] = source.frame
    row["detections"] = [
        {"class": class_names[label - 1], "score": round(score, 6), "box": [round(value, 2) for value in box]}
        for box, score, label in _rows(found)
    ]
    return row


def voc_xml(
    file: str, width: int, height: int, objects: Sequence[tuple[str, Sequence[float], dict[str, str]]]
) -> bytes:
    """A Pascal VOC annotation of (class, box, further elements)."""
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = file
    size = ElementTree.SubElement(root, "size")
    for key, value in (("width", width), ("height", height), ("depth", 3)):
        ElementTree.SubElement(size, key).text = str(value)
    for name, box, further in objects:
        item = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(item, "name").text = name
        for key, text in {"truncated": "0", "difficult": "0", **further}.items():
            ElementTree.SubElement(item, key).text = text
        bndbox = ElementTree.SubElement(item, "bndbox")
        for key, corner in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            ElementTree.SubElement(bndbox, key).text = f"{corner:.2f}"
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8")) + b"\n"


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    write_atomically(path, lambda file: file.write(content))


def _rows(found: Detections) -> list[tuple[list[float], float, int]]:
    return list(zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True))
