"""TensorBoard: every run's history, in its folder ``tensorboard``, where the extra is installed."""

from __future__ import annotations

from collections.abc import Mapping

from netlab.kinds.events import RunInfo
from netlab.specs import hookimpl


@hookimpl
def netlab_run_started(run: RunInfo) -> None:
    from netlab_builtin.trackers import tensorboard

    tensorboard.start(run.directory, run.config)


@hookimpl
def netlab_epoch_finished(run: RunInfo, epoch: int, values: Mapping[str, float]) -> None:
    from netlab_builtin.trackers import tensorboard

    tensorboard.write_epoch(run.directory, epoch, values)


@hookimpl
def netlab_run_finished(run: RunInfo) -> None:
    from netlab_builtin.trackers import tensorboard

    tensorboard.close(run.directory)
