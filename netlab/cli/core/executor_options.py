"""The flags of the commands whose work an executor does: where it is done, and what each piece gets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from netlab.executors.place import ExecutorName, Place
    from netlab.executors.slots import SlotExecutor

PANEL = "Executor"

Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="At once: as many as processors or GPUs.", rich_help_panel=PANEL),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Threads each: the processors shared out.", rich_help_panel=PANEL),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        help="Of a cluster, HOST:PORT or auto; RAY_ADDRESS. Default: one of our own, here.",
        rich_help_panel=PANEL,
    ),
]
RunExecutor = Annotated[
    Literal["local", "ray", "slurm"],
    typer.Option("--executor", help="Where the runs are done.", rich_help_panel=PANEL),
]
PointsExecutor = Annotated[
    Literal["local", "ray"] | None,
    typer.Option(
        "--executor",
        help="Share the nearest points of --features out among processes: here, or on Ray.",
        rich_help_panel=PANEL,
    ),
]
GpusPerRun = Annotated[
    float | None,
    typer.Option(
        "--gpus-per-run",
        min=0.0,
        max=1.0,
        help="A run's share of a GPU: .5 puts two on one.",
        rich_help_panel=PANEL,
    ),
]
Slurm = Annotated[
    list[str] | None,
    typer.Option(
        "--slurm",
        metavar="KEY=VALUE",
        help="An option of sbatch: partition, account, time (minutes), ...; may repeat.",
        rich_help_panel=PANEL,
    ),
]


def place_of(executor: ExecutorName, ray_address: str | None, slurm: Sequence[str] | None = None) -> Place:
    """Where the flags say that the work is done; Ray's own variable says its address, as in all its tools.

    Raises:
        UsageError: a flag belongs to another executor.
    """
    from netlab.executors.place import Place, check_place

    if executor == "ray":
        ray_address = ray_address or os.environ.get("RAY_ADDRESS") or None
    place = Place(executor, ray_address, slurm or ())
    check_place(place)
    return place


@contextlib.contextmanager
def ended_on_failure(executor: SlotExecutor) -> Iterator[SlotExecutor]:
    """Shut the executor down at the end; when something fails, or with Ctrl-C, end what goes on there."""
    try:
        yield executor
    except BaseException:
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()
