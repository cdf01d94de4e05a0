"""One executor by its name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from netlab.errors import UsageError
from netlab.executors.share import Share, share_out
from netlab.executors.slots import SlotExecutor

ExecutorName = Literal["local", "ray", "slurm"]
AT_ONCE = 256  # pieces of work that wait elsewhere at once


@dataclass(frozen=True, slots=True)
class Place:
    """Where work is done, as the user says it: ``--executor``, ``--ray-address``, ``--slurm KEY=VALUE``."""

    executor: ExecutorName = "local"
    ray_address: str | None = None
    slurm: Sequence[str] = ()

    @property
    def is_elsewhere(self) -> bool:
        """Whether the work may be done on other machines, of which this one's processors say nothing."""
        return self.executor == "slurm" or (self.executor == "ray" and self.ray_address is not None)


def place_of(executor: ExecutorName, ray_address: str | None = None, slurm: Sequence[str] = ()) -> Place:
    """Where the work is done; Ray's own variable RAY_ADDRESS says its address, as in all its tools.

    Raises:
        UsageError: an option belongs to another executor.
    """
    if executor == "ray":
        ray_address = ray_address or os.environ.get("RAY_ADDRESS") or None
    place = Place(executor, ray_address, slurm)
    check_place(place)
    return place


def check_place(place: Place) -> None:
    """Refuse options that belong to another executor.

    Raises:
        UsageError: there is one.
    """
    if place.ray_address is not None and place.executor != "ray":
        raise UsageError("--ray-address belongs to --executor ray")
    if place.slurm and place.executor != "slurm":
        raise UsageError("--slurm belongs to --executor slurm")


def open_executor(place: Place, share: Share, folder: Path) -> SlotExecutor:
    """The executor; nothing is started before it is used. Slurm's jobs keep their files in ``folder``.

    Raises:
        UsageError: its extra is not installed, or an option is wrong.
    """
    check_place(place)
    if place.executor == "ray":
        from netlab.executors.ray import RayExecutor

        return RayExecutor(share, place.ray_address)
    if place.executor == "slurm":
        from netlab.executors.slurm import SlurmExecutor

        return SlurmExecutor(share, folder, parse_options(place.slurm))
    from netlab.executors.local import LocalExecutor

    return LocalExecutor(share)


@contextlib.contextmanager
def ended_on_failure(executor: SlotExecutor) -> Iterator[SlotExecutor]:
    """Shut the executor down at the end; after a failure or Ctrl-C, stop its running jobs first."""
    try:
        yield executor
    except BaseException:
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()


def share_at(
    place: Place,
    pieces: int,
    *,
    workers: int | None = None,
    threads: int | None = None,
    gpus: int = 0,
    gpus_each: float | None = None,
) -> Share:
    """What each piece of work gets: the same wherever it is done, so that its results are the same.

    Elsewhere the cluster or the queue decides how many go on at once.

    Raises:
        UsageError: ``gpus_each`` is not a share of one GPU, or there is none here to share.
    """
    if gpus_each and not gpus and not place.is_elsewhere:
        raise UsageError(
            f"--gpus-per-run {gpus_each:g}: there are no GPUs here to share out (with --device auto or cuda "
            "those that PyTorch sees)"
        )
    share = share_out(pieces, workers=workers, threads=threads, gpus=gpus, gpus_each=gpus_each)
    if place.is_elsewhere and workers is None:
        return replace(share, workers=min(pieces, AT_ONCE))
    return share


def parse_options(texts: Sequence[str]) -> dict[str, str]:
    """``KEY=VALUE`` texts as a dictionary.

    Raises:
        UsageError: a text has no '='.
    """
    options = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (equals and key and value):
            raise UsageError(f"--slurm {text}: expected KEY=VALUE, such as --slurm partition=gpu")
        options[key.strip()] = value.strip()
    return options
