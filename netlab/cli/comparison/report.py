"""``netlab report``: runs as one HTML file, or served while they go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from netlab.cli.comparison.options import ChosenRuns
from netlab.cli.core.command import command
from netlab.cli.core.console import note
from netlab.cli.core.flags import Argument, Shown
from netlab.cli.core.options import DataFolder, DetectorsFolder, Out
from netlab.cli.core.session import Session

if TYPE_CHECKING:
    from netlab.runs.choose import Chosen


class ReportOptions(ChosenRuns, DetectorsFolder, DataFolder):
    names: Annotated[list[str], Argument("[RUN...]")] = Field(
        [], description="Runs and detectors by name or path. Default: all."
    )
    out: Annotated[Out[Path], Shown(metavar="FILE.html")] = Path("report.html")
    serve: bool = Field(False, description="Serve it on 127.0.0.1 and refresh it while runs go on.")
    port: int = Field(8000, ge=0, le=65535, description="Of --serve; 0: any.")
    images: int = Field(24, ge=0, le=200, description="How many of the hardest images; 0: none.")
    title: str | None = Field(None, description="The page's title.")


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def report(options: ReportOptions) -> None:
        """Write a report of runs as one HTML file that opens without a network."""
        from netlab.files import write_output
        from netlab.report.build import ReportRequest, build_report
        from netlab.runs.choose import choose_runs_and_detectors

        def choose() -> Chosen:
            return choose_runs_and_detectors(
                options.names, options.runs, options.detectors, sweep=options.sweep
            )

        request = ReportRequest(
            choose=choose,
            title=options.title or (f"Sweep {options.sweep}" if options.sweep else "netlab report"),
            baseline=options.baseline,
            images=options.images,
            data_dir=options.data_dir,
            force=options.force,
        )
        if options.serve:
            from netlab.report.serve import serve_report

            serve_report(request, session.catalog, port=options.port, announce=announce)
            return
        page = build_report(request, session.catalog)
        for line in page.notes:
            note(line)
        write_output(options.out, page.html)
        print(f"{options.out} ({len(page.html.encode()) / 1e6:.1f} MB, {page.runs} runs)")

    return command(session, ReportOptions, report)


def announce(words: Sequence[str] | str) -> None:
    """Say where a served report is."""
    print(words, flush=True)
