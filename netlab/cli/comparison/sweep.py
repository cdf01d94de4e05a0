"""``netlab sweep``: many assemblies, each over several seeds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from netlab.cli.comparison.sweep_flags import as_texts, given_tables, grid_flags, with_switch_values
from netlab.cli.core.command import Given, command
from netlab.cli.core.console import note
from netlab.cli.core.executor_options import RunExecutor
from netlab.cli.core.flags import Shown, own_flags
from netlab.cli.core.options import Baseline, DataFolder, Device, Named, Offline, RunsFolder
from netlab.cli.core.selection import complete_names, read_selectors, selector_flags
from netlab.cli.core.session import Session
from netlab.cli.core.words import rewrite_short_flags
from netlab.errors import NetlabError
from netlab.runs.config import PART_KINDS, SELECTORS
from netlab.sweep.grid_file import chosen_components, grids_of, read_grid_file

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from netlab.sweep.plan import PlannedRun
    from netlab.sweep.run import SweepSettings

HELPS = {
    "dataset": "The data set.",
    "backbone": "Skeletons: A,B.",
    "block": "Blocks: A,B.",
    "norm": "Normalizations: A,B.",
    "activation": "Activations: A,B.",
    "recipe": "Recipes: A,B.",
    "optimizer": "Optimizers: A,B.",
    "schedule": "Schedules: A,B.",
    "loss": "Losses: A,B.",
}


class SweepOptions(Named, Baseline, RunsFolder, DataFolder, Offline, Device, RunExecutor):
    grid: Path | None = Field(
        None, description="A TOML file in which values may be lists; flags go before it."
    )
    seeds: int | None = Field(None, ge=1, description="Seeds an assembly, 0, 1, ...: 3.")
    metrics: str | None = Field(None, description="Measure on every layer afterwards: si,csi.")
    yes: Annotated[bool, Shown(short="-y")] = Field(False, description="Do not ask.")
    dry_run: bool = Field(False, description="Show the plan and stop.")


def build(session: Session) -> Callable[..., None]:  # long: the command and the flags that it closes over
    """The command with the flags of all components that the command line or its grid file names."""
    catalog = session.catalog
    words = read_selectors(session.after_command, [*SELECTORS, "grid"])
    file = read_grid_file(words.get("grid"))
    in_file = file.get("sweep", {})
    components = [c for found in chosen_components(catalog, words, file).values() for c in found]
    flags = grid_flags(components)

    def sweep(options: SweepOptions, given: Given) -> None:
        """Train many assemblies, each over several seeds, and compare them.

        Every flag of netlab run takes several values, separated by commas. The same command again
        skips finished runs and resumes the others.
        """
        from netlab.cli.comparison.sweep_output import Timings, confirm, show_plan
        from netlab.executors.place import ended_on_failure, open_executor, place_of, share_at
        from netlab.runs.sweeps import sweeps_folder
        from netlab.sweep.grid import count_combinations, expand
        from netlab.sweep.plan import make_plan, predict_seconds
        from netlab.sweep.run import check_baseline
        from netlab.training.device import gpus_of

        seeds = options.seeds if options.seeds is not None else in_file.get("seeds")
        grids = grids_of(file, given_tables(given, flags), seeds)
        settings = settings_of(session, options, in_file)
        candidates = [candidate for tables in grids for candidate in expand(catalog, tables)]
        place = place_of(options.executor, options.ray_address, options.slurm)
        share = share_at(
            place, len(candidates), workers=options.workers, threads=options.threads,
            gpus=gpus_of(options.device), gpus_each=options.gpus_per_run,
        )  # fmt: skip
        with ended_on_failure(open_executor(place, share, sweeps_folder(options.runs) / "jobs")) as opened:
            # A cluster that does not answer is reported before anything is timed.
            at_once = opened.capacity()
            with Timings() as timings:
                planned = make_plan(
                    catalog, candidates, runs=options.runs, data_dir=options.data_folder,
                    offline=options.offline, device=options.device, threads=share.threads,
                    timed=timings.show,
                )  # fmt: skip
            combinations = sum(count_combinations(catalog, tables) for tables in grids)
            show_plan(
                planned, combinations, predict_seconds(planned, at_once),
                workers=at_once, threads=share.threads, place=place, measures=bool(settings.metrics),
            )  # fmt: skip
            check_baseline(planned, settings.baseline)
            if options.dry_run:
                return
            confirm(planned, yes=options.yes)
            carry_out(planned, opened, settings)

    selectors = selector_flags(catalog, PART_KINDS, HELPS, several=True)
    completions = {"metrics": complete_names(catalog, "metric", several=True)}
    # Switches are rewritten first: they too are given to Typer as texts.
    every = [*own_flags(SweepOptions), *selectors, *flags]
    rewritten = rewrite_short_flags(session.after_command, every, catalog, components)
    session.after_command = with_switch_values(rewritten, flags)
    return command(
        session, SweepOptions, sweep, flags=[*selectors, *as_texts(flags)], parts=components,
        completions=completions,
    )  # fmt: skip


def settings_of(session: Session, options: SweepOptions, in_file: Mapping[str, Any]) -> SweepSettings:
    """What every run is given: flags, else the table ``[sweep]`` of the grid's file."""
    from netlab.sweep.run import SweepSettings

    return SweepSettings(
        name=in_file.get("name") if options.name is None else options.name,
        baseline=options.baseline or in_file.get("baseline"),
        metrics=metric_names(session, options.metrics, in_file.get("metrics", [])),
        runs=options.runs,
        offline=options.offline,
        device=options.device,
        command=("netlab", *session.typed),
        blocked=tuple(session.blocked),
    )


def metric_names(session: Session, flag: str | None, file: Sequence[str]) -> tuple[str, ...]:
    """The metrics that are asked for, each known."""
    names = [name.strip() for name in flag.split(",")] if flag is not None else list(file)
    for name in names:
        session.catalog.find("metric", name)
    return tuple(names)


def carry_out(planned: Sequence[PlannedRun], executor: Executor, settings: SweepSettings) -> None:
    """Do the runs, show them, and print the comparison."""
    from netlab.cli.comparison.sweep_live import watcher
    from netlab.cli.comparison.sweep_output import duration, print_outcome
    from netlab.comparison.tables import counted
    from netlab.sweep.run import first_statuses, run_sweep

    statuses = first_statuses(planned, settings)
    began, waiting = time.monotonic(), sum(not status.ended for status in statuses)
    try:
        with watcher(statuses) as watch:
            name = run_sweep(planned, statuses, executor, settings, watch)
    except KeyboardInterrupt:
        ended = sum(status.state in ("finished", "skipped") for status in statuses)
        note(f"interrupted with {ended} of {len(statuses)} runs finished; the same command goes on")
        raise
    if waiting:
        print(f"{counted(waiting, 'run')} in {duration(time.monotonic() - began)}")
    print_outcome(name, statuses, settings.runs, settings.baseline)
    failed = [status for status in statuses if status.state == "failed"]
    if failed:
        raise NetlabError(f"{len(failed)} of {len(statuses)} runs failed; the same command tries them again")
