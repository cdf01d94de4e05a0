"""The flags of the commands whose work an executor does: where it is done, and what each piece gets."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

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
        envvar="RAY_ADDRESS",
        show_envvar=False,
        help="Of a cluster, HOST:PORT or auto: one of our own, on this machine.",
        rich_help_panel=PANEL,
    ),
]
RunExecutor = Annotated[
    Literal["local", "ray", "slurm"],
    typer.Option("--executor", help="Where the runs are done.", rich_help_panel=PANEL),
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
