"""May a run be gone on with, and with what reservation?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from netlab.data.load import data_digest
from netlab.errors import NetlabError, UsageError
from netlab.kinds.dataset import ImageData
from netlab.runs.config import Config, differences, read_config
from netlab.runs.directory import RunDirectory
from netlab.training.checkpoint import read_progress
from netlab.training.loop import Setup, out_of_patience
from netlab.training.settings import RESUMABLE


class AlreadyFinishedError(UsageError):
    """The run has this very configuration and nothing is left to do."""


def check_resumable(run: RunDirectory, config: Config, data: ImageData, setup: Setup) -> list[str]:
    """Refuse to go on with a run that is finished or was begun with other settings or data.

    Gives a note where the same results can only be expected up to rounding.

    Raises:
        UsageError: saying what differs or that nothing is left to do.
        NetlabError: the run's checkpoint or one of its files is damaged.
    """
    if not run.exists:
        if run.last_checkpoint.exists():
            raise NetlabError(
                f"{run.path} has a checkpoint but no config.toml that says of what:"
                " delete it, or use another --name"
            )
        return []
    recorded = run.read_environment() if run.environment.exists() else {}
    if recorded.get("data_sha256") not in (None, data_digest(data)):
        raise UsageError(f"the data of run '{run.name}' has changed since it was begun: use another --name")
    changed = differences(read_config(run.config), config, RESUMABLE) + changed_execution(recorded, setup)
    if changed:
        raise UsageError(
            f"run '{run.name}' was begun with other settings ({'; '.join(changed)}):"
            " use another --name, or delete its directory"
        )
    if not run.last_checkpoint.exists():
        return []
    progress = read_progress(run.last_checkpoint)
    read_progress(run.best_checkpoint)  # a lost or damaged one is noticed before the result goes
    if setup.settings.epochs < progress.epoch:
        raise UsageError(
            f"run '{run.name}' has already made {progress.epoch} epochs:"
            " --epochs may grow, not shrink below that"
        )
    nothing_left = setup.settings.epochs == progress.epoch or out_of_patience(progress, setup.settings)
    if run.is_finished and nothing_left:
        raise AlreadyFinishedError(
            f"run '{run.name}' is finished: test accuracy {run.read_result().get('test_accuracy')},"
            f" in {run.path}."
            " Train it longer with --epochs (or --patience), or start another with --name or --seed"
        )
    return changed_processes(recorded, setup)


def changed_execution(recorded: Mapping[str, Any], setup: Setup) -> list[str]:
    """What may not change in how a run is executed: it would change what is learnt."""
    recorded = {**recorded, "device": str(recorded.get("device", "")).partition(":")[0] or None}
    here = {"device": setup.device.type, "precision": setup.precision, "sync_bn": synchronized(setup)}
    return [
        f"{key}: {recorded[key]} -> {value}"
        for key, value in here.items()
        if value is not None and recorded.get(key) not in (None, value)
    ]


def synchronized(setup: Setup) -> bool | None:
    """Whether batch norms see the whole batch; None for a process alone, which has nothing else."""
    return setup.ranks.sync_bn if setup.ranks.world > 1 else None


def changed_processes(recorded: Mapping[str, Any], setup: Setup) -> list[str]:
    """What a run that is resumed with other processes or threads should know; it may go on."""
    world = setup.ranks.world
    before = recorded.get("world_size", 1)
    if before != world:
        local = ", and batch norms see other shares of a batch"
        if False not in (recorded.get("sync_bn"), synchronized(setup)):
            local = ""
        return [f"{before} processes before, {world} now: sums are rounded otherwise{local}"]
    threads = torch.get_num_threads()
    if (before := recorded.get("threads", threads)) != threads:
        return [f"{before} threads before, {threads} now: sums are rounded otherwise"]
    return []
