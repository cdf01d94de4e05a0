"""``netlab run``: assemble a network from parts by name and train it."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import Field

from netlab.cli.core.command import Given, command
from netlab.cli.core.console import say_facts, terminal
from netlab.cli.core.flags import model_flags
from netlab.cli.core.options import DataFolder, Device, Named, Offline, Quiet, Resumed, RunsFolder, Threads
from netlab.cli.core.part_flags import part_flags
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.selection import (
    PART_HELPS,
    chain_flags,
    read_repeated,
    read_selectors,
    selector_flags,
)
from netlab.cli.core.session import Session
from netlab.engine.catalog import Catalog
from netlab.errors import NetlabError, UsageError
from netlab.runs.config import CHAINS, PART_KINDS, SELECTORS
from netlab.runs.result import has_unequal_classes
from netlab.runs.sessions import catalog_for


class RunOptions(Named, RunsFolder, DataFolder, Offline, Threads, Device, Quiet, Resumed):
    config: Path | None = Field(None, description="A TOML file; flags go before it.")
    print_config: bool = Field(False, description="Print the resolved TOML and stop.")
    sync_bn: bool = Field(
        True, description="Of several processes: batch norms see the whole batch, or each its share."
    )


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the parts that the command line, its config file or the recipe names."""
    from netlab.classification.assembly import choose_components
    from netlab.classification.given import merge_tables, read_config_file
    from netlab.classification.settings import TrainingSettings

    words = read_selectors(session.after_command, [*SELECTORS, "config", "name", "runs"])
    file = read_config_file(words.pop("config", None))
    name = words.pop("name", file.get("run", {}).get("name"))
    catalog = catalog_for(session.catalog, words.pop("runs", "runs"), name)
    named: dict[str, str | list[str]] = {**words}
    for selector in CHAINS:
        if (chain := read_repeated(session.after_command, selector)) is not None:
            named[selector] = chain
    chosen = choose_components(catalog, merge_tables(file, {"parts": named}))
    parts = chosen.components

    def run(options: RunOptions, given: Given) -> None:
        """Assemble a network from parts by name, train it, and leave a complete run directory.

        The same command again resumes an unfinished run.
        """
        from netlab.training.ranks import joined

        run_table = file.get("run", {})
        tables = merge_tables(file, given, chosen.chain_names)
        with joined(options.device, options.threads, sync_bn=options.sync_bn) as ranks:
            session.may_complain = ranks.is_first_to_fail
            where: dict[str, Any] = {
                "runs": options.runs,
                "name": run_table.get("name") if options.name is None else options.name,
                "data_dir": options.data_dir or Path(run_table.get("data_dir", options.data_folder)),
                "offline": options.offline,
                "device": options.device,
                "ranks": ranks,
            }
            if options.print_config:
                print_config(session, tables, where)
                return
            execute(session, catalog, tables, {**where, "rules": options.rules}, quiet=options.quiet)

    flags = [
        *selector_flags(catalog, PART_KINDS, PART_HELPS, parts),
        *chain_flags(catalog, chosen.chains),
        *(
            flag
            for part in parts.values()
            for flag in part_flags(part, session.after_command, file.get(part.selector, {}))
        ),
        *(
            flag
            for chain in chosen.chains.values()
            for component in {part.name: part for part in chain}.values()
            for flag in part_flags(component, session.after_command)
        ),
        *model_flags(TrainingSettings, table="training", owner="training", panel="Training"),
    ]
    return command(session, RunOptions, run, flags=flags, parts=chosen.all)


def print_config(session: Session, tables: Mapping[str, Any], where: Mapping[str, Any]) -> None:
    """Every value that would be used, as TOML. Nothing is downloaded for it.

    Raises:
        UsageError: what does not fit, or the data is not there.
    """
    from netlab.classification.experiment import prepare
    from netlab.runs.config import to_toml

    try:
        experiment = prepare(session.catalog, tables, **{**where, "offline": True})
    except UsageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise UsageError(f"{error}; --print-config downloads no data, which defaults follow") from None
        raise
    print(to_toml(experiment.config), end="")


def execute(
    session: Session,
    catalog: Catalog,
    tables: Mapping[str, Any],
    where: Mapping[str, Any],
    *,
    quiet: bool,
) -> None:
    """Train with progress on the terminal, then print the result and where things are."""
    from netlab.classification.experiment import train_classifier
    from netlab.cli.core.failures import report_failures

    console, manager = terminal(), catalog.manager
    known_failures = len(manager.failures)
    try:
        with raised_on_sigterm(where["ranks"].backend), TerminalReporter(console, quiet=quiet) as reporter:
            finished = train_classifier(catalog, tables, reporter=reporter, **where)
    except KeyboardInterrupt:
        print("netlab: interrupted; the same command goes on after the last finished epoch", file=sys.stderr)
        raise typer.Exit(130) from None
    except Terminated:
        raise StoppedError(
            "stopped by SIGTERM; the same command goes on after the last finished epoch"
        ) from None
    report_failures(manager.failures[known_failures:], debug=session.debug)
    print_result(console, finished.result, finished.directory.path, quiet=quiet)


class Terminated(BaseException):
    """SIGTERM came. As KeyboardInterrupt, it is no Exception: no plugin's failure."""


class StoppedError(NetlabError):
    """The run was stopped from outside."""

    exit_code = 143


@contextlib.contextmanager
def raised_on_sigterm(backend: str | None) -> Iterator[None]:
    """Let SIGTERM raise ``Terminated``, so that files are closed and the user is told.

    Not with nccl: a process that waits for another one's GPU runs no Python, and had better just die.
    """

    def raise_terminated(*_: Any) -> None:
        raise Terminated

    if backend == "nccl" or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def print_result(console: Any, result: Mapping[str, Any], path: Path, *, quiet: bool) -> None:
    """The figures of ``result.json`` that people want first."""
    several = result["test_views"] > 1
    if quiet:
        shown = ("test_accuracy", *(("test_accuracy_single_view",) if several else ()))
        print(json.dumps({"run": str(path), **{name: result[name] for name in shown}}))
        return
    single = f" by {result['test_views']} views, {result['test_accuracy_single_view']:.4f} by one"
    early = " (stopped early)" if result["stopped_early"] else ""
    balanced = [("balanced accuracy", f"{result['test_balanced_accuracy']:.4f}")]
    if not has_unequal_classes(result):
        balanced = []
    console.print()
    facts = (
        ("test accuracy", f"{result['test_accuracy']:.4f}{single if several else ''}"),
        *balanced,
        ("test loss", f"{result['test_loss']:.4f}"),
        ("best epoch", f"{result['best_epoch']} of {result['epochs']}{early}"),
        ("parameters", f"{result['parameters']:,}"),
        ("speed", f"{result['images_per_second']:.0f} images/s, {result['seconds']:.0f} s"),
        ("run", str(path)),
        ("curves", str(path / "plots" / "curves.png")),
    )
    say_facts(console, facts)
