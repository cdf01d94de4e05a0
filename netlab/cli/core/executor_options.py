"""The options of the commands whose work an executor does: where it is done, and what each piece gets."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from netlab.cli.core.flags import Shown
from netlab.cli.core.options import Threads


class Executor(Threads):
    PANEL: ClassVar[str] = "Executor"
    workers: int | None = Field(None, ge=1, description="At once: as many as processors or GPUs.")
    ray_address: str | None = Field(
        None, description="Of a cluster, HOST:PORT or auto; RAY_ADDRESS. Default: one of our own, here."
    )


class RunExecutor(Executor):
    PANEL: ClassVar[str] = "Executor"
    executor: Literal["local", "ray", "slurm"] = Field("local", description="Where the runs are done.")
    gpus_per_run: float | None = Field(
        None, ge=0, le=1, description="A run's share of a GPU: .5 puts two on one."
    )
    slurm: Annotated[list[str], Shown(metavar="KEY=VALUE")] = Field(
        [], description="An option of sbatch: partition, account, time (minutes), ..."
    )


class PointsExecutor(Executor):
    PANEL: ClassVar[str] = "Executor"
    executor: Literal["local", "ray"] | None = Field(
        None, description="Share the nearest points of --features out among processes: here, or on Ray."
    )
