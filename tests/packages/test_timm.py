"""The example that brings timm: installed with timm from the package index, used by name."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import EXAMPLES, Environment, expect_success, make_environment
from .reader import Reader

sys.path.append(str(EXAMPLES))

PACKAGE = "netlab-plugin-timm"
UNREACHABLE = ("No matching distribution", "Connection", "Could not fetch", "Temporary failure", "timed out")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("timm")
    environment = make_environment(folder / "environment")
    shutil.copytree(EXAMPLES / PACKAGE, folder / PACKAGE)
    done = environment.install(folder / PACKAGE, PIP_NO_INDEX="0", PIP_RETRIES="0", PIP_DEFAULT_TIMEOUT="20")
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        pytest.skip(f"timm can not be installed: {done.stderr.strip().splitlines()[-1]}")
    expect_success(done)
    return environment


def test_its_page_is_followed_and_keeps_its_promises(environment: Environment, tmp_path: Path) -> None:
    Reader(tmp_path / "page", lambda: environment).follow(EXAMPLES / PACKAGE / "README.md")


def test_its_own_tests_pass(environment: Environment) -> None:
    expect_success(environment.run("pytest", "-q", environment.folder.parent / PACKAGE))


def test_a_network_and_a_norm_of_timm_train_by_name(environment: Environment, tmp_path: Path) -> None:
    line = "netlab run --backbone timm:resnet10t --norm timm-groupnorm1 --data.size 24 --epochs 1 --name r"
    expect_success(environment.run(shell=line, cwd=tmp_path))
    record = json.loads((tmp_path / "runs/r/environment.json").read_text())
    assert {part["name"] for part in record["components"] if part["distribution"] == PACKAGE} == {
        "timm",
        "timm-groupnorm1",
    }


def test_a_network_of_timm_finds_objects(environment: Environment, tmp_path: Path) -> None:
    from make_voc_scenes import make_scenes

    make_scenes(tmp_path / "voc", train=4, val=2, size=(90, 120))
    line = (
        "netlab detect train voc --backbone timm:resnet18 --weights none --image-side 96"
        " --epochs 1 --least-steps 2 --name d --detectors runs --quiet"
    )
    expect_success(environment.run(shell=line, cwd=tmp_path))
    model = (tmp_path / "runs/d/model.toml").read_text()
    assert 'variant = "resnet18"' in model
    image = next((tmp_path / "voc/JPEGImages").iterdir())
    predicted = f"netlab detect predict {image} --model runs/d"
    expect_success(environment.run(shell=predicted, cwd=tmp_path))


def test_the_command_that_it_adds_lists_what_timm_has(environment: Environment) -> None:
    assert "resnet18\n" in expect_success(environment.run("netlab", "timm-models", "resnet*"))
