"""How much of a machine each piece of work gets."""

from __future__ import annotations

import math
from dataclasses import dataclass

from netlab.errors import UsageError
from netlab.launch import usable_processors


@dataclass(frozen=True, slots=True)
class Share:
    """``workers`` pieces of work at once, with ``threads`` threads and ``gpus_each`` GPUs each (0 to 1).

    ``gpus`` is how many this machine has to give.
    """

    workers: int
    threads: int
    gpus: int = 0
    gpus_each: float = 0.0

    def gpu_of(self, slot: int) -> int | None:
        """Which GPU the ``slot``-th of the workers on this machine uses; None: none of its own."""
        if not (self.gpus and self.gpus_each):
            return None
        return slot // workers_a_gpu(self.gpus_each) % self.gpus


def share_out(
    pieces: int,
    *,
    workers: int | None = None,
    threads: int | None = None,
    gpus: int = 0,
    gpus_each: float | None = None,
) -> Share:
    """Share this machine out among ``pieces`` pieces of work.

    On a CPU as many workers as processors, for one thread a piece loses nothing to waiting; the threads
    that are left over when there are fewer pieces are shared out. With ``gpus`` GPUs, as many workers
    as they serve, by default one each.

    Raises:
        UsageError: ``gpus_each`` is not a share of one GPU.
    """
    if gpus_each is not None and not 0 <= gpus_each <= 1:
        raise UsageError(f"--gpus-per-run {gpus_each:g}: a run uses one GPU or a part of it; give 0 to 1")
    if gpus_each is None:
        gpus_each = 1.0 if gpus else 0.0
    processors = usable_processors()
    served = gpus * workers_a_gpu(gpus_each) if gpus_each else 0
    workers = max(min(workers or served or processors, pieces), 1)
    return Share(workers, threads or max(processors // workers, 1), gpus if gpus_each else 0, gpus_each)


def workers_a_gpu(gpus_each: float) -> int:
    """How many workers fit on one GPU: 2 for .5 and for .4, 3 for .333."""
    return max(math.floor(1 / gpus_each + 1e-9), 1)
