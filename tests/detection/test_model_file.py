"""``model.toml`` is read by its schema: whatever is not a detector's is one line that names the key."""

from __future__ import annotations

import copy
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from netlab.detection.model.description import NetworkDescription, RegionDescription, description_of
from netlab.errors import NetlabError
from tests.conftest import Cli, unlisted

MODEL: dict[str, Any] = {
    "format": "netlab-detector-3",
    "classes": ["cat", "dog"],
    "weights_sha256": "0" * 64,
    "detection": {"confidence": {"cat": 0.5, "dog": 1}, "iou": 0.3, "max_detections": 100, "refinements": 1, "fit_power": 1},
    "preprocessing": {
        "colour": "RGB", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "crop_size": 224,
        "image_side": 512,
    },
    "proposer": {
        "name": "sliding-window", "options": {},
        "long_side": 400, "min_side": 10.0, "seed": 0, "limit": 2000,
    },
    "extractor": {
        "name": "mobilenet-v2", "options": {},
        "weights": "none",
    },
    "features": {"way": "roialign", "pools": [{"stage": 1, "size": 1, "grow": 1.0}]},
    "detector": {"name": "rcnn", "options": {}},
    "suppliers": [
        {
            "kind": "proposer", "name": "sliding-window", "plugin": "proposers", "distribution": "netlab-vision",
            "version": "0.1.0", "sha256": "0" * 64,
        }
    ],
}  # fmt: skip


def changed(key: str, value: Any) -> dict[str, Any]:
    """MODEL with another value at ``table.key``; None takes the key away."""
    content = copy.deepcopy(MODEL)
    *tables, last = key.split(".")
    at: Any = content
    for table in tables:
        at = at[int(table) if table.isdigit() else table]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return content


def leaves(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no table, by its key."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path, content


def test_a_description_is_read_as_it_was_written() -> None:
    found = description_of(tomllib.loads(tomli_w.dumps(MODEL)), "model.toml")
    assert isinstance(found, RegionDescription)
    assert found.preprocessing.std == (0.229, 0.224, 0.225)
    assert found.detection.confidence == {"cat": 0.5, "dog": 1.0}
    assert found.features.pools[0].stage == 1


def test_a_network_s_description_has_what_it_needs() -> None:
    content = {key: value for key, value in MODEL.items() if key not in ("proposer", "features")}
    triples = {key: MODEL["preprocessing"][key] for key in ("mean", "std")}
    content["preprocessing"] = {"colour": "RGB", "image_side": 288}
    content["detection"] = {key: MODEL["detection"][key] for key in ("confidence", "iou", "max_detections")}
    content["extractor"] = MODEL["extractor"] | triples
    found = description_of(tomllib.loads(tomli_w.dumps(content)), "model.toml")
    assert isinstance(found, NetworkDescription)
    assert found.extractor is not None
    assert found.extractor.mean == (0.485, 0.456, 0.406)
    assert description_of({k: v for k, v in content.items() if k != "extractor"}, "model.toml")
    with pytest.raises(NetlabError, match="features"):
        description_of(content | {"features": MODEL["features"]}, "model.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("preprocessing.image_side", -1),
        ("preprocessing.image_side", 10**9),
        ("preprocessing.std", [0.2, 0.0, 0.2]),
        ("preprocessing.mean", [0.2, float("inf"), 0.2]),
        ("preprocessing.mean", [0.2, 0.2]),
        ("features.way", "magic"),
        ("features.pools", []),
        ("detection.iou", float("nan")),
        ("detection.iou", "0.3"),
        ("detection.max_detections", True),
        ("detection.confidence", {"cat": 0.5}),
        ("detection.confidence", {"cat": 0.5, "dog": -0.1}),
        ("proposer.limit", 0),
        ("proposer.limit", 12.5),
        ("proposer.seed", "zero"),
        ("extractor.options", []),
        ("classes", ["cat", "cat"]),
        ("classes", []),
        ("classes", ["cat", ""]),
        ("weights_sha256", "0" * 63),
        ("detector.units", 3),
    ],
)
def test_what_can_not_be_a_detector_s_is_refused_by_its_key(key: str, value: Any) -> None:
    with pytest.raises(NetlabError) as refused:
        description_of(changed(key, value), "model.toml")
    (line,) = str(refused.value).splitlines()
    assert line.startswith("model.toml is damaged: ")
    assert key.split(".")[0] in line


@pytest.mark.parametrize("key", [key for key, _ in leaves(MODEL)])
@pytest.mark.parametrize("value", [None, {"a": 1}, "\x1b[2J", -(10**30), [[]]], ids=repr)
def test_any_key_that_lacks_or_is_of_another_type_is_one_line(key: str, value: Any) -> None:
    names = ("format", "preprocessing.colour", "features.way", "weights_sha256")
    any_text_will_do = isinstance(dict(leaves(MODEL))[key], str) and key not in names
    if (isinstance(value, str) and any_text_will_do) or (value == [[]] and key == "classes"):
        return
    with pytest.raises(NetlabError) as refused:
        description_of(changed(key, value), "model.toml")
    assert len(str(refused.value).splitlines()) == 1


def test_a_damaged_description_ends_predict_with_one_line(
    cli: Cli, scenes: Path, trained: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(trained, folder)
    words = (unlisted(folder) / "model.toml").read_text()
    for old, new, said in (
        ("image_side = 192", "image_side = -1", "preprocessing.image_side"),
        ('way = "roialign"', 'way = "magic"', "features.way"),
        ("iou = 0.3", "iou = nan", "detection.iou"),
        ("stage = ", "stage = 9", "it pools stage"),
    ):
        assert old in words
        (folder / "model.toml").write_text(words.replace(old, new))
        outcome = cli("detect", "predict", scenes / "JPEGImages/scene_0000.jpg", "--model", folder)
        assert outcome.code == 1
        (line,) = outcome.err.strip().splitlines()
        assert said in line
