"""``--compile`` trains the same network: the loop with a small module, for the compiler takes its time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from netlab.classification.assembly import complete
from netlab.classification.optimization import optimization_of
from netlab.classification.task import ClassifierTask, Setup
from netlab.data.normalize import half
from netlab.data.split import Splits
from netlab.engine.catalog import Catalog
from netlab.engine.manager import PluginManager
from netlab.kinds.dataset import LabelledImages
from netlab.kinds.recipe import DataFacts
from netlab.runs.directory import RunDirectory
from netlab.runs.history import read_history
from netlab.training.loop import Trained, train

CPU = torch.device("cpu")


def trained(folder: Path, *, compiled: bool) -> tuple[Trained, dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (96, 1, 4, 4), generator=generator, dtype=torch.uint8)
    data = LabelledImages(images, (images.float().mean((1, 2, 3)) > 127).long())
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.ELU(), nn.Linear(16, 2))
    run = RunDirectory(folder)
    run.create()
    given = {"augment": [], "training": {"epochs": 2, "batch_size": 32, "compile": compiled}}
    catalog = Catalog(PluginManager.from_environment())
    setup = Setup(
        network=network,
        splits=Splits(data, data, data, torch.arange(96), torch.arange(0)),
        classes=2,
        normalization=half(1),
        assembly=complete(catalog, given, DataFacts(96, (4, 4), 2), frozenset()),
        device=CPU,
        precision="fp32",
    )
    return train(ClassifierTask(setup), optimization_of(setup.assembly), run), network.state_dict()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_training_learns_the_same_and_can_be_loaded_plain(tmp_path: Path) -> None:
    # In a process of its own: the compiler imports setuptools, which refuses where distutils was imported.
    subprocess.run(
        [sys.executable, __file__, tmp_path / "compiled"],
        check=True, timeout=300,
        env=os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")},  # really compile
    )  # fmt: skip
    assert any((tmp_path / "cache").iterdir())
    plain, weights = trained(tmp_path / "plain", compiled=False)
    others = load_file(tmp_path / "compiled" / "weights.safetensors")
    assert weights.keys() == others.keys()  # no prefix of the compiler's wrapper
    for name in weights:
        torch.testing.assert_close(others[name], weights[name], rtol=1e-4, atol=1e-5)
    compiled = read_history(RunDirectory(tmp_path / "compiled").history)
    for ours, theirs in zip(compiled, plain.history, strict=True):
        assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=1e-4)
        assert ours["val_accuracy"] == theirs["val_accuracy"]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    save_file(trained(folder, compiled=True)[1], folder / "weights.safetensors")
