"""Plugins that are told of runs are checked by their hooks: what is wrong is caught, what is right passes."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from netlab.engine.plugin import Plugin
from netlab.testing import ConformanceError
from netlab.testing.trackers import plugin_checks

sys.path.append(str(Path(__file__).parent))

from broken.trackers import TRACKERS, plugin_of


def plugin(**hooks: object) -> Plugin:
    """A plugin with these hooks, which no distribution ships."""
    return Plugin("tracker", "tracker", "1.0", "tracker", hooks=tuple(hooks), module=plugin_of(**hooks))


@pytest.mark.parametrize("name", TRACKERS)
def test_a_wrong_tracker_is_caught(name: str) -> None:
    check, hooks = TRACKERS[name]
    with pytest.raises(ConformanceError):
        plugin_checks(plugin(**hooks))[check]()


def test_a_tracker_that_notes_every_epoch_passes(capsys: pytest.CaptureFixture[str]) -> None:
    def started(run):
        (run.directory / "notes").mkdir(exist_ok=True)

    def finished(run, epoch, values):
        with (run.directory / "notes" / "epochs.jsonl").open("a") as file:
            file.write(json.dumps({"epoch": epoch, **values}) + "\n")

    for check in plugin_checks(plugin(netlab_run_started=started, netlab_epoch_finished=finished)).values():
        check()


class Sound(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    every: int = Field(1, description="Epochs.")
    folder: Path | None = Field(None, description="A folder.")
    token: SecretStr = Field(SecretStr("x"), description="A secret.")


class Required(Sound):
    url: str = Field(description="Where to.")


class Loose(Sound):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Changeable(Sound):
    model_config = ConfigDict(extra="forbid", frozen=False)


class Silent(Sound):
    some: int = 3


class Forgetful(Sound):
    now: float = Field(default_factory=time.monotonic, exclude=True, description="Lost in the file.")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("Required", "'url' has no default"), ("Loose", "extra='forbid'"), ("Changeable", "frozen=True"),
        ("Silent", "'some' has no description"), ("Forgetful", "are others"), ("Absent", "can not be loaded"),
        ("time", "is not a pydantic model"),
    ],
)  # fmt: skip
def test_wrong_settings_are_caught(model: str, said: str) -> None:
    wrong = plugin(netlab_run_started=lambda run, settings: None)
    wrong.settings = f"{__name__}:{model}"
    with pytest.raises(ConformanceError, match=re.escape(said)):
        plugin_checks(wrong)["settings"]()


def test_hooks_are_given_their_settings() -> None:
    told = []
    sound = plugin(netlab_run_started=lambda run, settings: told.append(settings))
    sound.settings = f"{__name__}:Sound"
    for check in plugin_checks(sound).values():
        check()
    assert set(map(type, told)) == {Sound}


def test_a_plugin_that_only_declares_has_no_checks_of_hooks() -> None:
    assert plugin_checks(Plugin("p", "p", "1.0", "p", hooks=("netlab_components",))) == {}
