"""One session at a run: a run that was never interrupted has one, a resumed run has several."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netlab.engine.catalog import Catalog
from netlab.engine.hook_settings import HookSettings
from netlab.engine.hooks import call_hooks
from netlab.files import json_text
from netlab.kinds.events import RunInfo
from netlab.runs.config import Config, to_toml
from netlab.runs.directory import RunDirectory
from netlab.runs.manifest import OUTCOME, begin_manifest, list_files, write_checked
from netlab.runs.sessions import with_session
from netlab.training.reporter import Reporter
from netlab.training.resume import Continuation, check_resumable, mend_checkpoint


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run's directory, and what its ``result.json`` holds."""

    directory: RunDirectory
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrainingSession:
    """A run that this process may write to. ``records`` are further JSON files, by name."""

    run: RunDirectory
    config: Config
    environment: Mapping[str, Any]
    continuation: Continuation
    catalog: Catalog
    settings: HookSettings  # of plugins' hooks
    records: Mapping[str, Any] = field(default_factory=dict)

    @contextlib.contextmanager
    def opened(self, reporter: Reporter, agree: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the run directory and write what it is a run of, once it is seen to be new or resumable.

        ``agree`` is called between the two: there, the other processes of the run wait for the check.

        Raises:
            UsageError: the run is finished, held by another process, or was begun with other settings.
            NetlabError: one of its files is damaged.
        """
        with self.run.locked():
            self.run.clear()
            mended = mend_checkpoint(self.run)
            resumption = check_resumable(self.run, self.config, self.environment, self.continuation)
            agree()
            self.run.create()
            self.run.begin_generation()  # a result is kept until there is another
            begin_manifest(self.run.path)
            facts = {**self.environment, "accepted_changes": list(resumption.accepted_changes)}
            texts = {
                self.run.config.name: to_toml(self.config),
                self.run.environment.name: json_text(self.environment),
                self.run.sessions.name: with_session(self.run, "training", facts),
                **{name: json_text(content) for name, content in self.records.items()},
            }
            write_checked(self.run.path, texts)
            self._tell("netlab_run_started")
            for note in (*mended, *resumption.notes):
                reporter.note(note)
            yield

    def epoch_finished(self, epoch: int, row: Mapping[str, float]) -> None:
        """Tell the plugins of an epoch's row of the history."""
        self._tell("netlab_epoch_finished", epoch=epoch, values=row)

    def finish(self, result: dict[str, Any]) -> FinishedRun:
        """Write ``result.json``, whose presence means that the run is finished, and tell the plugins."""
        list_files(self.run.path, *OUTCOME)
        write_checked(self.run.path, {self.run.result.name: json_text(result)})
        self.run.end_generation()
        self._tell("netlab_run_finished")
        return FinishedRun(self.run, result)

    def _tell(self, hook: str, **more: Any) -> None:
        run = RunInfo(self.run.path, self.config)
        call_hooks(self.catalog.manager, hook, settings=self.settings, run=run, **more)
