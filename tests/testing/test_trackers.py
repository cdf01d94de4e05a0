"""Plugins that are told of runs are checked by their hooks: what is wrong is caught, what is right passes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

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


def test_a_plugin_that_only_declares_has_no_checks_of_hooks() -> None:
    assert plugin_checks(Plugin("p", "p", "1.0", "p", hooks=("netlab_components",))) == {}
