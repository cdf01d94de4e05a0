"""``netlab report``: runs as one HTML file, or served while they go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netlab.cli.comparison.compare import choose_runs
from netlab.cli.core.session import Session

if TYPE_CHECKING:
    from netlab.runs.directory import RunDirectory


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def report(
        names: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="RUN...",
                help="Runs and detectors by name or path. Default: all.",
                show_default=False,
            ),
        ] = None,
        sweep: Annotated[str | None, typer.Option("--sweep", help="The runs of a sweep.")] = None,
        out: Annotated[Path, typer.Option("--out", help="The file.")] = Path("report.html"),
        serve: Annotated[
            bool, typer.Option("--serve", help="Serve it on 127.0.0.1 and refresh it while runs go on.")
        ] = False,
        port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of --serve; 0: any.")] = 8000,
        baseline: Annotated[
            str | None,
            typer.Option("--baseline", help="An assembly, or one of its runs."),
        ] = None,
        images: Annotated[
            int, typer.Option("--images", min=0, max=200, help="How many of the hardest images; 0: none.")
        ] = 24,
        title: Annotated[str | None, typer.Option("--title", help="The page's title.")] = None,
        runs: Annotated[Path, typer.Option("--runs", help="Where runs are kept.")] = Path("runs"),
        detectors: Annotated[Path, typer.Option("--detectors", help="Where detectors are kept.")] = Path(
            "detectors"
        ),
        data_dir: Annotated[
            Path | None, typer.Option("--data-dir", help="Where data sets are kept: as in the run.")
        ] = None,
        force: Annotated[
            bool, typer.Option("--force", help="Compare runs of different data or splits all the same.")
        ] = False,
    ) -> None:
        """Write a report of runs as one HTML file that opens without a network."""
        from netlab.report.build import Request, build_report
        from netlab.runs.files import write_text

        def choose() -> tuple[list[RunDirectory], str | None]:
            return choose_shown(names or [], sweep, runs, detectors)

        request = Request(
            choose=choose,
            title=title or (f"Sweep {sweep}" if sweep else "netlab report"),
            baseline=baseline,
            images=images,
            data_dir=data_dir,
            force=force,
        )
        if serve:
            from netlab.report.serve import serve_report

            serve_report(request, session.catalog, port=port, announce=announce)
            return
        page = build_report(request, session.catalog)
        for note in page.notes:
            print(f"netlab: {note}", file=sys.stderr)
        write_text(out, page.html)
        print(f"{out} ({len(page.html.encode()) / 1e6:.1f} MB, {page.runs} runs)")

    return report


def choose_shown(
    names: Sequence[str], sweep: str | None, runs: Path, detectors: Path
) -> tuple[list[RunDirectory], str | None]:
    """The runs and detectors that are asked for, by default all, and the baseline that a sweep recorded.

    Raises:
        UsageError: there is none, or none of that name.
    """
    from netlab.runs.directory import find_run, list_runs

    if sweep is not None:
        return choose_runs(names, sweep, runs)
    known = {directory.name: directory for directory in list_runs(detectors)}
    if names:
        return [
            known[name] if name in known and not (runs / name).is_dir() else find_run(name, runs)
            for name in names
        ], None
    found = [*list_runs(runs), *known.values()]
    return (found, None) if found else choose_runs(names, sweep, runs)


def announce(words: Sequence[str] | str) -> None:
    """Say where a served report is."""
    print(words, flush=True)
