"""``netlab sweep``: many assemblies, each over several seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from netlab.cli.comparison.sweep_flags import as_texts, given_tables, grid_flags, with_switch_values
from netlab.cli.core.command import Given, command
from netlab.cli.core.executor_options import RunExecutor
from netlab.cli.core.flags import Shown, own_flags
from netlab.cli.core.options import Baseline, DataFolder, Device, Named, Names, Offline, Resumed, RunsFolder
from netlab.cli.core.selection import complete_names, read_selectors, selector_flags
from netlab.cli.core.session import Session
from netlab.cli.core.words import rewrite_short_flags
from netlab.runs.config import PART_KINDS, SELECTORS
from netlab.sweep.grid_file import DEFAULT_SEEDS, chosen_components, grids_of, read_grid_file

if TYPE_CHECKING:
    from netlab.sweep.run import SweepSettings, Workers

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


class SweepOptions(Named, Baseline, RunsFolder, DataFolder, Offline, Device, RunExecutor, Resumed):
    grid: Path | None = Field(
        None, description="A TOML file in which values may be lists; flags go before it."
    )
    seeds: int | None = Field(None, ge=1, description="Seeds an assembly, 0, 1, ...: 3.")
    until_sure: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Add seeds until each difference of accuracies is clear, or below this: .01.",
    )
    most_seeds: int = Field(20, ge=2, description="Most seeds of --until-sure.")
    metrics: Names | None = Field(None, description="Measure on every layer afterwards: si,csi.")
    yes: Annotated[bool, Shown(short="-y")] = Field(False, description="Do not ask.")
    dry_run: bool = Field(False, description="Show the plan and stop.")

    def workers_of_runs(self) -> Workers:
        """Where the runs are done and what each gets."""
        from netlab.executors.place import place_of
        from netlab.sweep.run import Workers

        return Workers(
            place=place_of(self.executor, self.ray_address, self.slurm),
            count=self.workers, threads=self.threads, gpus_per_run=self.gpus_per_run,
        )  # fmt: skip


def build(session: Session) -> Callable[..., None]:  # long: the command and the flags that it closes over
    """The command with the flags of all components that the command line or its grid file names."""
    catalog = session.catalog
    words = read_selectors(session.after_command, [*SELECTORS, "grid"])
    file = read_grid_file(words.get("grid"))
    in_file = file.get("sweep", {})
    components = [c for found in chosen_components(catalog, words, file).values() for c in found]
    flags = grid_flags(components, session.after_command, file)

    def sweep(options: SweepOptions, given: Given) -> None:
        """Train many assemblies, each over several seeds, and compare them.

        Every flag of netlab run takes several values, separated by commas. The same command again
        skips finished runs and resumes the others.
        """
        from netlab.cli.comparison.sweep_output import print_outcome
        from netlab.cli.comparison.sweep_screen import SweepScreen
        from netlab.comparison.sequential import SequentialRule
        from netlab.sweep.run import sweep as plan_and_run
        from netlab.sweep.until_sure import sweep_until_sure

        seeds = options.seeds if options.seeds is not None else in_file.get("seeds")
        if options.until_sure is not None:
            seeds = seeds or DEFAULT_SEEDS  # so that seeds that are listed are refused
        grids = grids_of(file, given_tables(given, flags), seeds)
        settings, workers = settings_of(session, options, file), options.workers_of_runs()
        with SweepScreen(yes=options.yes, dry_run=options.dry_run) as screen:
            if options.until_sure is None:
                outcome = plan_and_run(catalog, grids, settings, workers, screen)
            else:
                rule = SequentialRule(options.until_sure, seeds or DEFAULT_SEEDS, options.most_seeds)
                outcome = sweep_until_sure(catalog, grids, settings, workers, screen, rule)
        if outcome is not None:
            print_outcome(outcome)

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


def settings_of(session: Session, options: SweepOptions, file: Mapping[str, Any]) -> SweepSettings:
    """What every run is given: flags, else ``[sweep]`` and ``[plugins.NAME]`` of the grid's file."""
    from netlab.engine.hook_settings import overlaid
    from netlab.sweep.run import SweepSettings

    in_file = file.get("sweep", {})
    return SweepSettings(
        name=in_file.get("name") if options.name is None else options.name,
        baseline=options.baseline or in_file.get("baseline"),
        metrics=tuple(options.metrics if options.metrics is not None else in_file.get("metrics", [])),
        runs=options.runs,
        data_dir=options.data_folder,
        offline=options.offline,
        device=options.device,
        command=("netlab", *session.typed),
        blocked=tuple(session.blocked),
        plugin_files=session.manager.files,
        hook_settings=overlaid(file.get("plugins", {}), session.manager.given_settings),
        rules=options.rules,
    )
