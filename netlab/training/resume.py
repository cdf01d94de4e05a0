"""Can a run be resumed, and with what reservation?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from netlab.engine.binding import changed_suppliers
from netlab.engine.provenance import supplier_of_record
from netlab.errors import NetlabError, UsageError
from netlab.files import link_atomically
from netlab.runs.config import Config, differences, read_tables
from netlab.runs.directory import RunDirectory
from netlab.runs.manifest import announced, file_sha256
from netlab.runs.sessions import binding_of
from netlab.training.checkpoint import Progress, read_progress


class AlreadyFinishedError(UsageError):
    """The run has this very configuration and nothing is left to do."""


@dataclass(frozen=True, slots=True)
class ResumeRules:
    """What may have changed since a run was begun: by default all but the code of its parts; ``strict``:
    nothing that could change a bit of the results."""

    accept_changed_parts: bool = False
    strict: bool = False


USUAL = ResumeRules()


@dataclass(frozen=True, slots=True)
class Continuation:
    """What makes a run the same run. ``changeable`` are the training values that may differ when it is
    resumed, ``is_over`` says whether a progress ends it before ``epochs``, and ``result`` names the figure of
    ``result.json`` that the message about a finished run shows."""

    epochs: int
    result: str
    changeable: frozenset[str] = frozenset()
    is_over: Callable[[Progress], bool] = lambda progress: False
    rules: ResumeRules = USUAL


@dataclass(frozen=True, slots=True)
class Resumption:
    """What the user should know of a run that goes on, and the changes of its parts that were accepted."""

    notes: tuple[str, ...] = ()
    accepted_changes: tuple[str, ...] = ()


def check_resumable(
    run: RunDirectory, config: Config, environment: Mapping[str, Any], continuation: Continuation
) -> Resumption:
    """Refuse to resume a run that is finished or was started with other settings, data or parts.

    Notes say where the same results can only be expected up to rounding.

    Raises:
        AlreadyFinishedError: nothing is left to do.
        UsageError: saying what differs.
        NetlabError: the run's checkpoint or one of its files is damaged.
    """
    if not run.exists:
        if run.last_checkpoint.exists():
            raise NetlabError(
                f"{run.path} has a checkpoint but no config.toml that says of what:"
                " delete it, or use another --name"
            )
        return Resumption()
    recorded = run.read_environment() if run.environment.exists() else {}
    if recorded.get("data_sha256") not in (None, environment["data_sha256"]):
        raise UsageError(f"the data of run '{run.name}' has changed since it was begun: use another --name")
    if recorded.get("weights_sha256") not in (None, environment.get("weights_sha256")):
        raise UsageError(f"the weights that run '{run.name}' started from have changed: use another --name")
    changed = differences(read_tables(run.config), config, continuation.changeable)
    binding = binding_of(run, accept=ignore if continuation.rules.accept_changed_parts else None)
    here = list(filter(None, map(supplier_of_record, environment.get("components", ()))))
    changed += changed_suppliers(binding.suppliers, here)
    changed += changed_execution(recorded, environment)
    if changed:
        raise UsageError(
            f"run '{run.name}' was begun with other settings ({'; '.join(changed)}):"
            " use another --name, or delete its directory"
        )
    for supplier in here:
        if was := binding.recorded(supplier.kind, supplier.name, supplier.distribution):
            binding.check(was, supplier)
    accepted = tuple(binding.accepted)
    if not run.last_checkpoint.exists():
        if run.is_finished:
            raise UsageError(
                f"run '{run.name}' is finished and has no checkpoint to go on from: use another --name"
            )
        return Resumption(accepted, accepted)
    check_progress(run, continuation)
    notes = (*accepted, *changed_versions(recorded, environment), *changed_processes(recorded, environment))
    if continuation.rules.strict and notes:
        raise UsageError(f"--strict-resume: run '{run.name}' would go on differently: {'; '.join(notes)}")
    return Resumption(notes, accepted)


def check_progress(run: RunDirectory, continuation: Continuation) -> None:
    """Refuse to go on where nothing is left to do, or less than was done.

    Raises:
        AlreadyFinishedError, UsageError, NetlabError: as ``check_resumable``.
    """
    kept = run.previous
    if not run.is_finished and kept.is_finished:
        done = read_progress(kept.last_checkpoint)
        if continuation.epochs == done.epoch:  # as it was before it was trained longer
            raise AlreadyFinishedError(finished(kept, continuation))
    progress = read_progress(run.last_checkpoint)
    if progress.best_epoch:
        read_progress(run.best_checkpoint)  # a lost or damaged one is noticed before the result goes
    if continuation.epochs < progress.epoch:
        raise UsageError(
            f"run '{run.name}' has already made {progress.epoch} epochs:"
            " --epochs may grow, not shrink below that"
        )
    nothing_left = continuation.epochs == progress.epoch or continuation.is_over(progress)
    if run.is_finished and nothing_left:
        raise AlreadyFinishedError(finished(run, continuation))


def mend_checkpoint(run: RunDirectory) -> list[str]:
    """Put the checkpoint before the last in the place of a last one that is damaged; gives a note of it.

    The epoch between is made again, to the bit. A finished run is left alone.
    """
    if run.is_finished or not (run.last_checkpoint.exists() and run.earlier_checkpoint.exists()):
        return []
    try:
        read_progress(run.last_checkpoint)
    except NetlabError:
        try:
            epoch = read_progress(run.earlier_checkpoint).epoch
        except NetlabError:
            return []
        with announced(run.path, {run.name_of(run.last_checkpoint): file_sha256(run.earlier_checkpoint)}):
            link_atomically(run.earlier_checkpoint, run.last_checkpoint)
        return [f"the last checkpoint is damaged: training goes on after epoch {epoch}, from the one before"]
    return []


def ignore(change: str) -> None:
    """Changes that are accepted are told together with the other notes."""


def finished(run: RunDirectory, continuation: Continuation) -> str:
    """What a finished run says of itself, and what can be done instead."""
    figure = f"{continuation.result.replace('_', ' ')} {run.read_result().get(continuation.result)}"
    longer = "Train it longer with --epochs (or --patience), or start" if continuation.changeable else "Start"
    return (
        f"run '{run.name}' is finished: {figure}, in {run.home.path}. {longer} another with --name or --seed"
    )


def changed_execution(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What may not change in how a run is executed: it would change what is learnt."""
    before, now = ({**values, "device": device_type(values)} for values in (recorded, here))
    return [
        f"{key}: {before[key]} -> {now[key]}"
        for key in ("device", "precision", "sync_bn")
        if now.get(key) is not None and before.get(key) not in (None, now[key])
    ]


def device_type(environment: Mapping[str, Any]) -> str | None:
    """``cuda`` of ``cuda:1``."""
    return str(environment.get("device", "")).partition(":")[0] or None


def changed_versions(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """``torch 2.5.0 before, 2.6.0 now`` for what the run was trained with until now; it can be resumed."""

    def facts(environment: Mapping[str, Any]) -> dict[str, Any]:
        packages = environment.get("packages", {})
        return {
            "netlab": environment.get("netlab"),
            "Python": environment.get("python"),
            "processor": environment.get("processor"),
            **(packages if isinstance(packages, Mapping) else {}),
        }

    before, now = facts(recorded), facts(here)
    return [
        f"{what} {before[what]} before, {value} now"
        for what, value in now.items()
        if before.get(what) not in (None, value)
    ]


def changed_processes(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What a run that is resumed with other processes or threads should know; it can be resumed."""
    before, now = recorded.get("world_size", 1), here.get("world_size", 1)
    if before != now:
        local = ", and batch norms see other shares of a batch"
        if False not in (recorded.get("sync_bn"), here.get("sync_bn")):
            local = ""
        return [f"{before} processes before, {now} now: sums are rounded otherwise{local}"]
    threads = here.get("threads")
    if (before := recorded.get("threads", threads)) != threads:
        return [f"{before} threads before, {threads} now: sums are rounded otherwise"]
    return []
