"""Mutated files of real runs and detectors: none is read with other values than netlab wrote.

``make faults`` makes 1,600 mutations and more, ``make test`` a few.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

import netlab
from netlab.classification.interface import read_interface
from netlab.detection.model.detector import RegionDetector
from netlab.detection.model.model_file import load_detector
from netlab.engine.catalog import Catalog
from netlab.errors import NetlabError
from netlab.runs.config import read_tables
from netlab.runs.describe import describe_run
from netlab.runs.directory import RunDirectory, read_json_object
from netlab.runs.history import read_history
from netlab.runs.library import verify
from netlab.runs.manifest import KEPT, found_by
from netlab.runs.separability import read_separability
from netlab.runs.sessions import read_sessions
from netlab.training.checkpoint import content_of, read_tensors

MUTATIONS = 1600 if "NETLAB_FAULTS" in os.environ else 40  # of each of the three folders

Readings = dict[str, Callable[[RunDirectory], Any]]


def tensors_of(path: Path) -> Any:
    tensors, progress = read_tensors(path)
    return {
        name: (value.dtype, value.shape, value.numpy().tobytes()) for name, value in tensors.items()
    }, progress


READINGS: Readings = {
    "config": lambda run: read_tables(run.config),
    "environment": RunDirectory.read_environment,
    "sessions": read_sessions,
    "history": lambda run: read_history(run.history, ()),
    "result": RunDirectory.read_result,
    "separability": lambda run: read_separability(run.separability),
    "best": lambda run: tensors_of(run.best_checkpoint),
    "last": lambda run: tensors_of(run.last_checkpoint),
    "earlier": lambda run: tensors_of(run.earlier_checkpoint),
    "shown": lambda run: without_problems(describe_run(run)),
}


def without_problems(described: dict[str, Any]) -> dict[str, Any]:
    if described.pop("problems"):
        raise NetlabError("it is said what is damaged")
    return described


def detector_values(folder: Path, catalog: Catalog) -> Any:
    """All that a detector is made of."""
    found = load_detector(folder, catalog)
    assert isinstance(found, RegionDetector)
    weights = {name: value.numpy().tobytes() for name, value in found.head.state_dict().items()}
    weights |= {name: value.numpy().tobytes() for name, value in found.backbone.tensors().items()}
    return (
        found.class_names,
        weights,
        found.rule,
        found.head.shape,
        found.source.settings,
        found.backbone.pools,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run that was measured, one that was trained longer and stopped, and a detector."""
    folder = tmp_path_factory.mktemp("whole")
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 24, 24), dtype=np.uint8), np.arange(60) % 3
    np.savez(
        folder / "few.npz", train_images=images, train_labels=labels, test_images=images, test_labels=labels
    )
    options: dict[str, Any] = {
        "data": "npz", "data__path": folder / "few.npz", "width": 4, "norm": "bn", "runs": folder, "quiet": True,
    }  # fmt: skip
    finished = netlab.train(name="finished", epochs=3, **options)
    finished.metrics("si")
    netlab.train(name="stopped", epochs=3, seed=1, **options)
    (folder / "stopped" / "result.json").unlink()
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    from make_voc_scenes import make_scenes

    make_scenes(folder / "scenes", train=5, val=2, size=(60, 80))
    netlab.train_detector(
        folder / "scenes",
        detector="rcnn",
        weights="none",
        image_side=96,
        limit=40,
        epochs=2,
        name="detector",
        detectors=folder,
        quiet=True,
    )
    return {name: folder / name for name in ("finished", "stopped", "detector")}


def mutated(folder: Path, other: Path, rng: random.Random) -> str:
    """Change one file of a folder (of a swap, two); gives what was done."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))
    path = rng.choice(files)
    content = path.read_bytes()
    if path.suffix == ".safetensors" and rng.random() < 0.5:
        return without_tensors(path, rng)
    what = rng.choice(["flip", "flips", "cut", "zeros", "more", "other run's", "swap", "digit"])
    damaged = bytearray(content)
    if what == "cut":
        del damaged[rng.randrange(len(content)) :]
    elif what == "zeros":
        at = rng.randrange(len(content))
        damaged[at : at + 64] = bytes(len(damaged[at : at + 64]))
    elif what == "more":
        damaged += rng.choice([b"\0", b"\n", b"1", content])
    elif what == "other run's" and (other / path.relative_to(folder)).is_file():
        damaged[:] = (other / path.relative_to(folder)).read_bytes()
    elif what == "swap":
        second = rng.choice([file for file in files if file.suffix == path.suffix])
        damaged[:] = second.read_bytes()
        second.write_bytes(content)
    elif what == "digit" and (digits := [at for at, byte in enumerate(content) if chr(byte).isdigit()]):
        damaged[rng.choice(digits)] = ord(rng.choice("0123456789"))
    else:
        for _ in range(1 if what == "flip" else 8):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    path.write_bytes(damaged)
    return f"{what} {path.name}"


def without_tensors(path: Path, rng: random.Random) -> str:
    """Take tensors out of a file, with its own digest as it was or made anew."""
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = safetensors.torch.load_file(path)
    prefix = rng.choice(["optimizer.", rng.choice(sorted(tensors))])
    kept = {name: value for name, value in tensors.items() if not name.startswith(prefix)}
    kept = kept if len(kept) < len(tensors) else {name: value + 1 for name, value in tensors.items()}
    if path.name != "model.safetensors" and rng.random() < 0.5:
        path.write_bytes(content_of(kept, read_tensors(path)[1]))
        return f"tensors out of {path.name}, digest anew"
    path.write_bytes(safetensors.torch.save(kept, metadata))
    return f"tensors out of {path.name}"


def contents(folder: Path) -> dict[str, bytes]:
    """What the files hold that a manifest lists."""
    return {name: (folder / name).read_bytes() for pattern in KEPT for name in found_by(pattern, folder)}


def reading(read: Callable[[RunDirectory], Any], folder: Path) -> Any:
    """What is read, or the kind of error."""
    try:
        return read(RunDirectory(folder))
    except NetlabError as error:
        return type(error)


def mutations(folder: Path, other: Path, place: Path, rng: random.Random) -> Iterator[tuple[str, Path]]:
    for _ in range(MUTATIONS):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)
        yield mutated(place, other, rng), place


@pytest.mark.parametrize("name", ["finished", "stopped", "detector"])
def test_no_mutated_file_is_read_with_other_values(
    name: str, whole: dict[str, Path], catalog: Catalog, tmp_path: Path
) -> None:
    rng, other = random.Random(name), whole["stopped" if name == "finished" else "finished"]
    readings: Readings = dict(READINGS)
    if name == "detector":
        readings["detector"] = lambda run: detector_values(run.path, catalog)
        readings["split"] = lambda run: read_json_object(run.path / "split.json", "missing")
    else:
        readings["interface"] = read_interface
    place = tmp_path / "runs" / name
    shutil.copytree(whole[name], place)
    expected = {what: reading(read, place) for what, read in readings.items()}
    counts: Counter[str] = Counter()
    for done, mutant in mutations(whole[name], other, place, rng):
        refused = False
        for what, read in readings.items():
            found = reading(read, mutant)
            if isinstance(found, type):
                refused |= found is not expected[what]
            else:
                assert found == expected[what], f"{done}: {what} is read with other values"
        noticed = bool(verify(RunDirectory(mutant)).problems)
        assert noticed or contents(mutant) == contents(whole[name]), f"{done}: runs verify does not notice"
        counts["refused" if refused else "noticed by verify only" if noticed else "without effect"] += 1
    print(f"{name}: {sum(counts.values())} mutations, {dict(counts)}, 0 read with other values")
    assert counts["refused"] > MUTATIONS // 3


def test_a_checkpoint_without_its_optimizer_is_not_gone_on_from(
    whole: dict[str, Path], tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "stopped"
    shutil.copytree(whole["stopped"], run)
    last = run / "checkpoints" / "last.safetensors"
    (run / "checkpoints" / "earlier.safetensors").unlink()
    tensors, progress = read_tensors(last)
    assert any(name.startswith("optimizer.") for name in tensors)
    kept = {name: value for name, value in tensors.items() if not name.startswith("optimizer.")}
    last.write_bytes(content_of(kept, progress))
    config = read_tables(run / "config.toml")
    with pytest.raises(NetlabError, match="last.safetensors is damaged: it is not what netlab wrote"):
        netlab.train(
            data="npz", data__path=config["data"]["path"], width=4, norm="bn", seed=1, epochs=4,
            name="stopped", runs=tmp_path / "runs", quiet=True,
        )  # fmt: skip
    assert torch.equal(next(iter(kept.values())), next(iter(tensors.values())))
