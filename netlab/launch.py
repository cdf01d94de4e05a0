"""How this process was started: alone, or by ``torchrun`` as one of several; on how many processors."""

from __future__ import annotations

import os
from dataclasses import dataclass

from netlab.errors import UsageError

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True)
class Launch:
    """Process ``rank`` of ``world``, and ``local_rank`` of ``local_world`` on this machine."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1


def read_launch() -> Launch:
    """The launch that the environment describes: alone, unless all that torch.distributed reads is there.

    Raises:
        UsageError: a number is none.
    """
    if not all(name in os.environ for name in VARIABLES):
        return Launch()
    try:
        rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        local_rank = int(os.environ.get("LOCAL_RANK", rank))
        return Launch(rank, world, local_rank, int(os.environ.get("LOCAL_WORLD_SIZE", world)))
    except ValueError as error:
        raise UsageError(f"RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE: {error}") from None


def usable_processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
