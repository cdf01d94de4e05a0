"""``netlab sweep``: many assemblies, each over several seeds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netlab.cli.comparison.sweep_grid import (
    PART_KINDS,
    SELECTORS,
    as_lists,
    chosen_components,
    given_tables,
    grid_flags,
    grids_of,
    read_grid_file,
    with_switch_values,
)
from netlab.cli.core.executor_options import (
    GpusPerRun,
    RayAddress,
    RunExecutor,
    Slurm,
    Threads,
    Workers,
    ended_on_failure,
    place_of,
)
from netlab.cli.core.flags import own_spellings, rewrite_short_flags, with_flags
from netlab.cli.core.selection import complete_names, read_selectors, selector_completions
from netlab.cli.core.session import Session
from netlab.errors import NetlabError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from netlab.sweep.plan import PlannedRun


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of all components that the command line or its grid file names."""
    catalog = session.catalog
    words = read_selectors(session.after_command, [*SELECTORS, "grid"])
    file = read_grid_file(words.get("grid"))
    settings = file.get("sweep", {})
    components = [c for found in chosen_components(catalog, words, file).values() for c in found]
    flags = grid_flags(components)

    def sweep(
        values: dict[str, dict[str, Any]],
        data: Annotated[str | None, typer.Option("--data", help="The data set.")] = None,
        backbone: Annotated[str | None, typer.Option("--backbone", help="Skeletons: A,B.")] = None,
        block: Annotated[str | None, typer.Option("--block", help="Blocks: A,B.")] = None,
        norm: Annotated[str | None, typer.Option("--norm", help="Normalizations: A,B.")] = None,
        grid: Annotated[
            Path | None,
            typer.Option("--grid", help="A TOML file in which values may be lists; flags go before it."),
        ] = None,
        seeds: Annotated[
            int | None, typer.Option("--seeds", min=1, help="Seeds an assembly, 0, 1, ...: 3.")
        ] = None,
        name: Annotated[str | None, typer.Option("--name", help="The sweep's name.")] = None,
        baseline: Annotated[
            str | None,
            typer.Option("--baseline", help="The assembly that the others are compared to: the first."),
        ] = None,
        metrics: Annotated[
            str | None, typer.Option("--metrics", help="Measure on every layer afterwards: si,csi.")
        ] = None,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
        runs: Annotated[Path, typer.Option("--runs", help="Where runs are kept.")] = Path("runs"),
        data_dir: Annotated[Path, typer.Option("--data-dir", help="Where data sets are kept.")] = Path(
            "data"
        ),
        offline: Annotated[bool, typer.Option("--offline", help="Download nothing.")] = False,
        device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
        executor: RunExecutor = "local",
        workers: Workers = None,
        threads: Threads = None,
        gpus_per_run: GpusPerRun = None,
        ray_address: RayAddress = None,
        slurm: Slurm = None,
    ) -> None:
        """Train many assemblies, each over several seeds, and compare them.

        Every flag of netlab run takes several values, separated by commas. The same command again
        skips finished runs and resumes the others.
        """
        from netlab.cli.comparison.sweep_output import Timings, confirm, show_plan
        from netlab.executors.place import open_executor, share_at
        from netlab.sweep.grid import count_combinations, expand
        from netlab.sweep.plan import make_plan, predict_seconds
        from netlab.sweep.record import sweeps_folder
        from netlab.training.device import gpus_of

        selectors = {"data": data, "backbone": backbone, "block": block, "norm": norm}
        given = given_tables(
            values, flags, {key: text for key, text in selectors.items() if text is not None}
        )
        grids = grids_of(file, given, seeds if seeds is not None else settings.get("seeds"))
        measured = metric_names(session, metrics, settings.get("metrics", []))
        candidates = [candidate for tables in grids for candidate in expand(catalog, tables)]
        place = place_of(executor, ray_address, slurm)
        share = share_at(
            place, len(candidates), workers=workers, threads=threads, gpus=gpus_of(device),
            gpus_each=gpus_per_run,
        )  # fmt: skip
        with ended_on_failure(open_executor(place, share, sweeps_folder(runs) / "jobs")) as opened:
            # A cluster that does not answer is told of before anything is timed.
            at_once = opened.capacity()
            with Timings() as timings:
                planned = make_plan(
                    catalog,
                    candidates,
                    runs=runs,
                    data_dir=data_dir,
                    offline=offline,
                    device=device,
                    threads=share.threads,
                    timed=timings.show,
                )
            combinations = sum(count_combinations(catalog, tables) for tables in grids)
            show_plan(
                planned, combinations, predict_seconds(planned, at_once),
                workers=at_once, threads=share.threads, place=place,
                measures=bool(measured),
            )  # fmt: skip
            compared_to = baseline or settings.get("baseline")
            check_baseline(planned, compared_to)
            if dry_run:
                return
            confirm(planned, yes=yes)
            carry_out(
                planned,
                session,
                opened,
                name=settings.get("name") if name is None else name,
                baseline=compared_to,
                metrics=measured,
                runs=runs,
                offline=offline,
                device=device,
            )

    rewritten = rewrite_short_flags(session.after_command, flags, own_spellings(sweep), catalog, components)
    session.arguments[1:] = with_switch_values(rewritten, flags)
    completions = selector_completions(catalog, PART_KINDS, several=True)
    completions["metrics"] = complete_names(catalog, "metric", several=True)
    return with_flags(sweep, as_lists(flags), completions)


def metric_names(session: Session, flag: str | None, file: Sequence[str]) -> tuple[str, ...]:
    """The metrics that are asked for, each known."""
    names = [name.strip() for name in flag.split(",")] if flag is not None else list(file)
    for name in names:
        session.catalog.find("metric", name)
    return tuple(names)


def check_baseline(planned: Sequence[PlannedRun], baseline: str | None) -> None:
    """Refuse a baseline that the comparison would not find, before hours are spent.

    Raises:
        UsageError: no assembly or run of the plan has this name.
    """
    from netlab.comparison.assemblies import group_assemblies
    from netlab.comparison.comparison import find_baseline
    from netlab.runs.record import RunRecord

    find_baseline(group_assemblies([RunRecord(run.directory, run.config) for run in planned]), baseline)


def carry_out(
    planned: Sequence[PlannedRun],
    session: Session,
    executor: Executor,
    *,
    name: str | None,
    baseline: str | None,
    metrics: tuple[str, ...],
    runs: Path,
    offline: bool,
    device: str,
) -> None:
    """Do the runs, show them, keep the record, and print the comparison."""
    from netlab.cli.comparison.sweep_live import watcher
    from netlab.cli.comparison.sweep_output import duration, print_outcome
    from netlab.comparison.tables import counted
    from netlab.runs.directory import check_name
    from netlab.sweep.driver import run_tasks
    from netlab.sweep.record import SweepRecord, default_sweep_name, write_record
    from netlab.sweep.statuses import status_of, task_of

    command = ("netlab", *session.typed)
    if name is None:
        name = default_sweep_name([run.name for run in planned])
    check_name(name)
    runs.mkdir(parents=True, exist_ok=True)
    write_record(SweepRecord(name, tuple(run.name for run in planned), baseline, command), runs)
    statuses = [status_of(run, metrics) for run in planned]
    tasks = [
        task_of(
            run, runs=runs, offline=offline, device=device, command=command,
            blocked=session.blocked, metrics=metrics,
        )
        for run in planned
    ]  # fmt: skip
    began, waiting = time.monotonic(), sum(not status.ended for status in statuses)
    try:
        with watcher(statuses) as watch:
            run_tasks(tasks, statuses, executor, watch)
    except KeyboardInterrupt:
        ended = sum(status.state in ("finished", "skipped") for status in statuses)
        print(
            f"netlab: interrupted with {ended} of {len(statuses)} runs finished; the same command goes on",
            file=sys.stderr,
        )
        raise
    if waiting:
        print(f"{counted(waiting, 'run')} in {duration(time.monotonic() - began)}")
    print_outcome(name, statuses, runs, baseline)
    failed = [status for status in statuses if status.state == "failed"]
    if failed:
        raise NetlabError(f"{len(failed)} of {len(statuses)} runs failed; the same command tries them again")
