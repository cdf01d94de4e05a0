"""Which images a detector was trained on and which were held out: ``split.json``, and their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.data.voc import DetectionData


def split_record(data: DetectionData, folder: Path) -> dict[str, Any]:
    """What ``split.json`` holds: names and digests of the files, for training and validation."""

    def rows(images: Sequence[AnnotatedImage]) -> dict[str, str]:
        return {image.name: file_digest(image.path) for image in images}

    return {"folder": str(folder.resolve()), "train": rows(data.train), "val": rows(data.val)}


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def split_digests(data: DetectionData) -> tuple[str, str]:
    """Digests of all images with their boxes, and of the names of the validation images."""
    digest = hashlib.sha256()
    for image in (*data.train, *data.val):
        digest.update(f"{image.name} {file_digest(image.path)} {image.names}".encode())
        digest.update(image.boxes.tobytes() + image.difficult.tobytes())
    held_out = hashlib.sha256("\n".join(image.name for image in data.val).encode())
    return digest.hexdigest(), held_out.hexdigest()
