"""What is installed beside netlab damages nothing: names, versions, another OpenCV, another command."""

from __future__ import annotations

import json
import sys
import types
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest
from packaging.specifiers import SpecifierSet

from netlab.engine.distributions import unmet_requirements
from netlab.testing.distributions import write_distribution
from tests.cli.conftest import Install, sound, state_of
from tests.conftest import Cli


def states(cli: Cli, *words: str) -> dict[str, str]:
    listed = json.loads(cli(*words, "plugins", "list", "--json").out)
    return {f"{row['name']}@{row['distribution']}": row["state"] for row in listed["plugins"]}


def test_a_name_that_two_distributions_have_does_not_say_which_to_leave_out(
    cli: Cli, install: Install
) -> None:
    install("blocks", sound("strange-block"), distribution="stranger")
    outcome = cli("--no-plugin", "blocks", "plugins", "list")
    assert outcome.code == 2
    (line,) = outcome.err.strip().splitlines()
    assert "'blocks@netlab-vision' or 'blocks@stranger'" in line


@pytest.mark.parametrize("word", ["blocks@stranger", "stranger", "blocks@STRANGER"])
def test_one_distributions_plugin_can_be_left_out_and_netlabs_own_stays(
    cli: Cli, install: Install, word: str
) -> None:
    install("blocks", "raise RuntimeError('imported')", distribution="stranger")
    found = states(cli, "--no-plugin", word)
    assert found["blocks@stranger"] == "blocked"
    assert found["blocks@netlab-vision"] == "ok"


def test_netlabs_own_can_be_left_out_and_the_strangers_stays(cli: Cli, install: Install) -> None:
    install("blocks", sound("strange-block"), distribution="stranger")
    found = states(cli, "--no-plugin", "blocks@netlab-vision")
    assert (found["blocks@stranger"], found["blocks@netlab-vision"]) == ("ok", "blocked")


def test_a_distribution_is_left_out_with_all_its_plugins(cli: Cli) -> None:
    assert set(states(cli, "--no-plugin", "netlab_vision").values()) == {"blocked"}


def test_a_distribution_that_is_called_like_netlabs_own_plugin_is_told_apart(
    cli: Cli, install: Install
) -> None:
    install("mine", sound("strange-block"), distribution="blocks")
    outcome = cli("--no-plugin", "blocks", "plugins", "list")
    assert outcome.code == 2
    assert "'blocks@netlab-vision' or 'mine@blocks'" in outcome.err
    assert states(cli, "--no-plugin", "mine@blocks")["mine@blocks"] == "blocked"


def test_the_closest_plugin_is_named_with_its_distribution(cli: Cli, install: Install) -> None:
    install("blocks", sound("strange-block"), distribution="stranger")
    outcome = cli("--no-plugin", "blocks@strangr", "plugins", "list")
    assert "there is no such plugin. Did you mean 'blocks@stranger'" in outcome.err


def test_a_plugin_that_requires_another_netlab_is_named_and_not_imported(cli: Cli, install: Install) -> None:
    install("eager", "raise RuntimeError('imported')", requires=["numpy>=1", "netlab_vision >=9"])
    outcome = cli("plugins", "list", "grouped")
    assert outcome.code == 0
    (line,) = outcome.err.strip().splitlines()
    assert "plugin 'eager' (eager 1.0) failed at metadata: it requires netlab_vision >=9" in line
    assert f"this is netlab-vision {metadata.version('netlab-vision')}" in line
    assert state_of(cli, "eager")["state"] == "needs another netlab"
    (row,) = json.loads(cli("plugins", "check", "eager", "--json").out)
    assert (row["stage"], row["result"]) == ("metadata", "failed")
    assert cli("--no-plugin", "eager", "plugins", "list", "grouped").err == ""


def test_a_requirement_that_can_not_be_read_is_its_plugins_failure(cli: Cli, install: Install) -> None:
    install("garbled", sound("x"), requires=["netlab-vision >= one"])
    assert "plugin 'garbled' (garbled 1.0) failed at metadata" in cli("plugins", "list", "grouped").err


def test_a_plugin_that_requires_this_netlab_is_loaded(cli: Cli, install: Install) -> None:
    install("sound", sound("x"), requires=["netlab-vision>=0.1", 'netlab-vision>=9; extra == "later"'])
    assert state_of(cli, "sound")["state"] == "ok"


@pytest.mark.parametrize("version", ["0.1.0", "0.1", "0.2.0rc1", "1.0", "1.10", "2.0.0.post1", "2!1"])
@pytest.mark.parametrize(
    "specifier", [">=0.1", ">=0.1.0", ">=1", ">=1.0.0", ">=1.9", ">=1.0,<2", "~=1.0", "==0.1.*", ">=2!0", ""]
)
def test_a_requirement_is_met_exactly_where_packaging_says_so(version: str, specifier: str) -> None:
    met = unmet_requirements([f"netlab-vision{specifier}"], version) == []
    assert met == SpecifierSet(specifier).contains(version, prereleases=True)


@pytest.fixture
def no_contrib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """OpenCV as it is when another of its distributions was installed last; gives its metadata's folder."""
    monkeypatch.delattr(cv2, "ximgproc")
    for module in ("contrib", "edge_boxes", "opencv_selective_search", "selective_search"):
        monkeypatch.delitem(sys.modules, f"netlab_builtin.proposers.{module}", raising=False)
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    return site


@pytest.mark.parametrize("proposer", ["selective-search", "edge-boxes", "selective-search-cv2"])
def test_another_opencv_is_named_with_what_to_do(cli: Cli, no_contrib: Path, proposer: str) -> None:
    write_distribution(no_contrib, "opencv-python", "4.99", {})
    cv2.imwrite("photo.png", np.zeros((40, 40, 3), np.uint8))
    outcome = cli("detect", "proposals", "photo.png", "--proposer", proposer)
    assert outcome.code == 3
    (line,) = outcome.err.strip().splitlines()
    assert f"proposer '{proposer}'" in line
    assert "opencv-python 4.99 is installed beside opencv-contrib-python" in line
    assert "pip uninstall -y opencv-python" in line
    assert "pip install --force-reinstall --no-deps opencv-contrib-python" in line


def test_what_needs_no_contrib_works_without_it(cli: Cli, no_contrib: Path) -> None:
    cv2.imwrite("photo.png", np.zeros((40, 40, 3), np.uint8))
    assert cli("detect", "proposals", "photo.png", "--proposer", "sliding-window").code == 0
    outcome = cli("detect", "proposals", "photo.png", "--proposer", "edge-boxes")
    assert f"ximgproc is missing from {cv2.__file__}" in outcome.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("blocks", "a plugin 'blocks' is there already, from netlab-vision"),
        ("builtin", "import package netlab_builtin, which is installed already"),
        ("taken-name", "import package netlab_taken_name, which is installed already"),
        ("class", "is no name for a plugin"),
        ("random", "'random' is a module of Python's own library"),
        ("options", "a plugin's package has a module 'options' already"),
    ],
)
def test_a_new_plugin_takes_no_name_that_exists(cli: Cli, install: Install, name: str, message: str) -> None:
    install("neighbour", sound("x"), netlab_taken_name="")
    outcome = cli("plugins", "new", name)
    assert outcome.code == 2
    (line,) = outcome.err.strip().splitlines()
    assert message in line
    assert not Path(f"netlab-plugin-{name}").exists()


def test_the_command_has_a_second_name() -> None:
    scripts = metadata.distribution("netlab-vision").entry_points.select(group="console_scripts")
    assert {script.name: script.value for script in scripts} == {
        "netlab": "netlab.cli.start:main",
        "netlab-vision": "netlab.cli.start:main",
    }
    assert all(isinstance(script.load(), types.FunctionType) for script in scripts)
