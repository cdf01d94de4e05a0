"""Checks of plugins that are told of runs or add to the report. Hooks: ``netlab.specs``.

They are about a plugin, not a component: its hooks are called as in a training that goes on after a while.
"""

from __future__ import annotations

import copy
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import tomli_w

from netlab.engine.declaring import implementations
from netlab.engine.hook_settings import settings_model, without_secrets
from netlab.engine.listing import EVENTS
from netlab.engine.plugin import Plugin
from netlab.errors import first_line
from netlab.kinds.events import ReportSection, RunInfo
from netlab.runs.config import without_none
from netlab.testing.checks import ConformanceError, NotApplicable, expect
from netlab.testing.surroundings import changes, restored

SECTIONS = "netlab_report_sections"
LOADS = re.compile(
    r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|@import|url\(\s*["']?https?:""", re.IGNORECASE
)
CONFIG = {
    "training": {"epochs": 3, "lr": 0.1, "seed": 0},
    "block": {"name": "residual", "skip": True},
    "augment": [{"name": "flip", "horizontal": True}],
}
VALUES = {
    "train_loss": 1.5, "train_accuracy": 0.25, "val_loss": 1.25, "val_accuracy": 0.5, "lr": 0.1,
    "seconds": 0.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A run's directory with the files that netlab writes, and what its hooks are told."""

    plugin: Plugin
    run: RunInfo

    @classmethod
    def of(cls, plugin: Plugin, folder: Path, name: str = "run") -> Rehearsal:
        """A run that is about to start."""
        directory = folder / name
        directory.mkdir()
        (directory / "config.toml").write_text("[training]\nepochs = 3\n", encoding="utf-8")
        (directory / "history.csv").write_text("epoch,val_accuracy\n", encoding="utf-8")
        return cls(plugin, RunInfo(directory, copy.deepcopy(CONFIG)))

    def call(self, hook: str, **more: Any) -> None:
        """One hook, if the plugin has it."""
        call(self.plugin, hook, run=self.run, **more)

    def start(self) -> None:
        self.call("netlab_run_started")

    def epoch(self, number: int, **more: float) -> None:
        self.call("netlab_epoch_finished", epoch=number, values={**VALUES, "epoch": float(number), **more})

    def finish(self) -> None:
        self.call("netlab_run_finished")

    def whole(self) -> None:
        """Two epochs, an interruption, the third, the end."""
        self.start()
        self.epoch(1)
        self.epoch(2)
        self.start()
        self.epoch(3, sharpness=float("nan"))
        self.finish()


def call(plugin: Plugin, hook: str, **arguments: Any) -> list[Any]:
    """What a plugin's implementations of a hook give, as lists.

    Raises:
        ConformanceError: naming the hook that raised.
    """
    if hook not in plugin.hooks:
        return []
    if plugin.module is None:
        assert plugin.point is not None
        plugin.module = plugin.point.load()
    settings = settings_model(plugin.settings)() if plugin.settings is not None else None
    arguments = {**arguments, "settings": settings}
    found: list[Any] = []
    for implementation in implementations(plugin.module, plugin.target).get(hook, ()):
        try:
            result: Any = implementation.function(*(arguments[name] for name in implementation.argnames))
            found += [] if result is None else list(result)
        except Exception as error:
            raise ConformanceError(f"{hook} failed: {first_line(error)}") from error
    return found


def files_in(folder: Path) -> dict[str, bytes]:
    """Everything in a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@contextmanager
def elsewhere() -> Iterator[tuple[Path, Path, Path]]:
    """A folder for runs; and the working directory and home of the time, both empty."""
    with tempfile.TemporaryDirectory() as name:
        runs, here, home = (Path(name).resolve() / part for part in ("runs", "here", "home"))
        for path in (runs, here, home):
            path.mkdir()
        with chdir(here), mock.patch.dict(os.environ, {"HOME": str(home)}):
            yield runs, here, home


def events(plugin: Plugin) -> None:
    """No hook raises: in a run, in one that goes on, with columns of callbacks and values that are NaN."""
    with elsewhere() as (runs, _, _):
        Rehearsal.of(plugin, runs).whole()


def run_kept(plugin: Plugin) -> None:
    """What netlab wrote stays as it is, and so does the configuration that hooks are told."""
    with elsewhere() as (runs, _, _):
        rehearsal = Rehearsal.of(plugin, runs)
        before = files_in(rehearsal.run.directory)
        rehearsal.whole()
        after = files_in(rehearsal.run.directory)
        for name, content in before.items():
            expect(after.get(name) == content, f"it changed or removed {name} of the run")
        expect(rehearsal.run.config == CONFIG, "it changed the configuration of the run")


def own_folder(plugin: Plugin) -> None:
    """It writes nothing outside of the run's directory, where it is called from or in the home folder."""
    with elsewhere() as (runs, here, home):
        Rehearsal.of(plugin, runs).whole()
        written = [path.name for folder in (here, home) for path in folder.iterdir()]
        written += [path.name for path in runs.iterdir() if path.name != "run"]
    expect(not written, f"it wrote {', '.join(sorted(written))} outside of the run's directory")


def runs_apart(plugin: Plugin) -> None:
    """Of two runs at a time, each epoch is noted with the run that it is of."""
    with elsewhere() as (runs, _, _):
        first, second = (Rehearsal.of(plugin, runs, name) for name in ("first", "second"))
        first.start()
        second.start()
        before = files_in(second.run.directory)
        first.epoch(1)
        first.finish()
        expect(
            files_in(second.run.directory) == before,
            "an epoch of one run was written to the directory of another that was started later",
        )
        second.epoch(1)
        second.finish()


def surroundings(plugin: Plugin) -> None:
    """Random numbers, threads, dtypes, warnings, environment stay as they were."""

    def rehearse() -> None:
        with tempfile.TemporaryDirectory() as folder:
            Rehearsal.of(plugin, Path(folder)).whole()

    changed = [name for name in changes(rehearse) if not name.startswith("standard output")]
    expect(not changed, f"it changes {', '.join(changed)}: everything else in the process is touched")


def sections(plugin: Plugin) -> None:
    """Sections are ReportSections whose HTML loads nothing; runs without their files are no error."""
    if SECTIONS not in plugin.hooks:
        raise NotApplicable("it adds no section to the report")
    with elsewhere() as (runs, _, _):
        rehearsal = Rehearsal.of(plugin, runs)
        rehearsal.whole()
        for given in ([], [rehearsal.run.directory], [runs / "absent"]):
            for section in call(plugin, SECTIONS, runs=given):
                expect(
                    isinstance(section, ReportSection),
                    f"{SECTIONS} gave {type(section).__name__}, not a ReportSection",
                )
                texts = section.title, section.html
                expect(all(isinstance(text, str) for text in texts), "title and html are not texts")
                expect(section.title.strip(), "a section has no title")
                loaded = LOADS.search(section.html)
                expect(not loaded, f"the section '{section.title}' loads something: {loaded and loaded[0]}")


def settings(plugin: Plugin) -> None:
    """Its settings have defaults and descriptions, refuse unknown keys, and survive a run's config.toml."""
    assert plugin.settings is not None
    try:
        model = settings_model(plugin.settings)
    except Exception as error:
        raise ConformanceError(f"its settings can not be loaded: {first_line(error)}") from error
    for name, field in model.model_fields.items():
        expect(not field.is_required(), f"the setting '{name}' has no default: no run works without it")
        expect(bool(field.description), f"the setting '{name}' has no description")
    expect(model.model_config.get("extra") == "forbid", "an unknown key is not refused: set extra='forbid'")
    expect(bool(model.model_config.get("frozen")), "a hook can change what others are given: set frozen=True")
    recorded = tomllib.loads(tomli_w.dumps(without_none(without_secrets(model()))))
    expect(model.model_validate(recorded) == model(), "they are others when they are read from a config.toml")


PluginCheck = Callable[[Plugin], None]
OF_EVENTS: tuple[PluginCheck, ...] = (events, run_kept, own_folder, runs_apart, surroundings)


def plugin_checks(plugin: Plugin) -> Mapping[str, Callable[[], None]]:
    """The checks of a plugin's hooks, by name; none for one that only declares."""
    functions: tuple[PluginCheck, ...] = OF_EVENTS if EVENTS & set(plugin.hooks) else ()
    if plugin.settings is not None:
        functions = (settings, *functions)
    if SECTIONS in plugin.hooks:
        functions = (*functions, sections)

    def bound(function: PluginCheck) -> Callable[[], None]:
        def run() -> None:
            with restored():
                function(plugin)

        return run

    return {function.__name__.replace("_", "-"): bound(function) for function in functions}
