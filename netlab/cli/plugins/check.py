"""``netlab plugins check``."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from netlab.cli.commands import NAMES
from netlab.cli.core.command import command
from netlab.cli.core.console import plain_table, terminal
from netlab.cli.core.flags import Argument, Shown
from netlab.cli.core.options import Json
from netlab.cli.core.session import Session
from netlab.cli.plugins.names import part_completion
from netlab.errors import PluginError

if TYPE_CHECKING:
    from netlab.testing.plugin_check import CheckResult


class CheckOptions(Json):
    what: Annotated[str | None, Argument("[NAME|PATH]")] = Field(
        None,
        description="A plugin, distribution or part, or the folder of a package that need not be installed;"
        " by default every plugin that is not netlab's own.",
    )
    expect: Annotated[list[str], Shown(metavar="CHECK=REASON")] = Field(
        [], description="A check that is known to fail, by name, or KIND-PART-CHECK."
    )
    everything: bool = Field(False, alias="all", description="Netlab's own plugins too.")


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def check(options: CheckOptions) -> None:
        """Check plugins stage by stage: metadata, light import, API, resolve, options, conformance.

        Ends with exit code 3 when something fails.
        """
        from netlab.testing.check_process import check_apart
        from netlab.testing.expected import read_expected

        results = check_apart(
            session.catalog,
            options.what,
            everything=options.everything,
            blocked=session.blocked,
            reserved=NAMES,
            expected=read_expected(options.expect),
        )
        if options.as_json:
            print(json.dumps([asdict(result) for result in results], indent=2))
        else:
            print_results(results)
        failed = [result for result in results if result.result == "failed"]
        if failed:
            raise PluginError(f"{len(failed)} of {len(results)} checks failed")
        if not results and not options.as_json:
            print("no plugin besides netlab's own is installed (--all checks those)")

    return command(session, CheckOptions, check, completions={"what": part_completion(session)})


def print_results(rows: list[CheckResult]) -> None:
    """Under each plugin and part its stages, one a line; those that a part passed are made one."""
    from rich.padding import Padding
    from rich.text import Text

    console = terminal()
    colours = {"ok": "green", "failed": "bold red", "skipped": "yellow", "expected": "yellow"}
    for (plugin, part), group in itertools.groupby(rows, key=lambda row: (row.plugin, row.part)):
        console.print(part or f"plugin {plugin}", style="bold")
        table = plain_table("", "", "", show_header=False)
        table.columns[0].min_width, table.columns[1].max_width = 8, 30
        for row in summed_up(list(group)):
            result = Text(row.result, style=colours[row.result])
            table.add_row(result, str(row.stage), str(row.detail))
        console.print(Padding(table, (0, 0, 0, 2)))
    if rows and not any(row.result == "failed" for row in rows):
        counts = Counter(row.result for row in rows)
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        expected = f", {counts['expected']} failed as expected" if counts["expected"] else ""
        console.print(f"{counts['ok']} checks passed{skipped}{expected}")


def summed_up(rows: list[CheckResult]) -> Iterator[CheckResult]:
    """The rows of a plugin or part; of a part, those that passed are one, and those that failed alike."""
    if not rows[0].part:
        yield from rows
        return
    passed = [row for row in rows if row.result == "ok"]
    if passed:
        stages = dict.fromkeys(row.stage.partition(":")[0] for row in passed)
        checks = sum(row.stage.startswith("conformance") for row in passed)
        detail = f"{checks} checks passed" if checks else ""
        yield replace(passed[0], stage=", ".join(stages), detail=detail)
    alike: dict[tuple[str, str], list[CheckResult]] = {}
    for row in rows:
        if row.result != "ok":
            wrong = row.detail.partition(" (expected: ")[0]  # each check expects something else
            alike.setdefault((row.result, wrong), []).append(row)
    for (_, wrong), same in alike.items():
        detail = same[0].detail if len(same) == 1 else wrong
        yield replace(
            same[0], detail=detail, stage=", ".join(row.stage.removeprefix("conformance: ") for row in same)
        )
