"""Damaged files: whatever is wrong with one is its reader's own error, in one line.

``make faults`` tries many more of them than ``make test``.
"""

from __future__ import annotations

import io
import os
import random
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netlab.data.image_files import read_image
from netlab.data.load import load_data
from netlab.detection.data.annotation import Problems, read_annotation
from netlab.detection.model.model_file import load_detector
from netlab.engine.catalog import Catalog
from netlab.errors import NetlabError
from netlab.runs.config import read_config
from netlab.runs.directory import read_json_object
from netlab.runs.history import COLUMNS, read_history
from netlab.separability.arrays import load_array

INPUTS = int(os.environ.get("NETLAB_FAULTS", "150"))  # of each kind
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)


def packed(save: Callable[..., object]) -> bytes:
    content = io.BytesIO()
    images, labels = np.stack([PIXELS] * 4), np.arange(4) % 2
    save(content, train_images=images, train_labels=labels, test_images=images, test_labels=labels)
    return content.getvalue()


def array() -> bytes:
    content = io.BytesIO()
    np.save(content, PIXELS.astype(np.float64))
    return content.getvalue()


def image(kind: str, mode: str = "RGB") -> bytes:
    content = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(content, kind)
    return content.getvalue()


def texts() -> dict[str, bytes]:
    tables = "".join(f'[{table}]\nname = "x"\n' for table in ("data", "backbone", "block", "norm", "recipe"))
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    return {
        "toml": f"{tables}[training]\nepochs = 3\nseed = 0\n[run]\nname = 'r'\n".encode(),
        "json": b'{"a": [1, 2.5, null], "b": {"c": "\\u00fc"}}',
        "csv": (",".join(COLUMNS) + "\n" + ",".join("1" for _ in COLUMNS) + "\n").encode(),
        "xml": f"<annotation><object><name>cat</name>{box}</object></annotation>".encode(),
    }


WHOLE = {
    "npz": [packed(np.savez), packed(np.savez_compressed)],
    "npy": [array()],
    "image": [image(kind) for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")] + [image("TIFF", "L")],
    "model": [b'format = "netlab-detector-3"\nclasses = ["cat"]\n[detector]\nname = "rcnn"\n'],
    **{kind: [text] for kind, text in texts().items()},
}  # fmt: skip


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bits flipped, bytes replaced, taken out and put in, the end cut off."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4, 8])):
        if not found:
            break
        at, change = rng.randrange(len(found)), rng.randrange(6)
        if change == 0:
            found[at] ^= 1 << rng.randrange(8)
        elif change == 1:
            found[at] = rng.randrange(256)
        elif change == 2:
            del found[at : at + rng.randrange(1, 9)]
        elif change == 3:
            found[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif change == 4:
            found[at:at] = found[max(at - 20, 0) : at] * rng.randrange(1, 30)
        else:
            del found[at:]
    return bytes(found)


def reader(kind: str, catalog: Catalog) -> Callable[[Path], object]:
    """What reads a file of this kind."""
    if kind == "npz":
        component = catalog.find("dataset", "npz")
        return lambda path: load_data(
            component, component.make_options({"path": path}), root=path.parent, offline=True
        )
    return {
        "npy": lambda path: load_array(path, "features"),
        "image": read_image,
        "toml": read_config,
        "json": lambda path: read_json_object(path, "missing"),
        "csv": read_history,
        "xml": lambda path: read_annotation(path, one_based=False, problems=Problems()),
        "model": lambda path: load_detector(path.parent, catalog),
    }[kind]


@pytest.mark.parametrize("kind", WHOLE)
def test_a_damaged_file_is_read_or_refused_in_one_line(kind: str, catalog: Catalog, tmp_path: Path) -> None:
    rng, read = random.Random(f"{kind} {INPUTS}"), reader(kind, catalog)
    path = tmp_path / ("model.toml" if kind == "model" else f"file.{kind}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(INPUTS):
            content = damaged(rng.choice(WHOLE[kind]), rng)
            path.write_bytes(content)
            said = "read"
            try:
                read(path)
            except NetlabError as error:
                refused += 1
                said = str(error)
            except BaseException as error:
                raise AssertionError(f"{type(error).__name__}: {error} of {content!r}") from error
            assert len(said.splitlines()) == 1, f"{said} of {content!r}"
    assert refused > INPUTS // 10
