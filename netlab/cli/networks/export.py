"""``netlab export``: a trained network as a file that needs no netlab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import say_facts, terminal
from netlab.cli.core.flags import Shown
from netlab.cli.core.options import ChangedParts, DataFolder, Json, OneRun, Out
from netlab.cli.core.session import Session

if TYPE_CHECKING:
    from netlab.export.export import Exported


class ExportOptions(OneRun, DataFolder, Json, ChangedParts):
    to: Literal["onnx", "pt2"] | None = Field(
        None, description="The format: ONNX, or PyTorch's own. Default: by the ending of --out, else onnx."
    )
    out: Annotated[Out[Path | None], Shown(metavar="FILE")] = None
    int8: bool = Field(False, description="Compute in 8 bits: a quarter of the size (onnx).")
    images: list[str] = Field(
        [], description="Images, folders or globs to compare on. Default: the run's test images."
    )


def build(session: Session) -> Callable[..., None]:
    """The command; a run brings its parts with it, so there are no flags of parts."""

    def export(options: ExportOptions) -> None:
        """Write a trained network as one file, with its normalization, resizing rule and class names.

        The file gets its name once it has given what the network gives, on real images.
        """
        from netlab.export.export import ExportRequest, export_run
        from netlab.runs.directory import find_run, newest_finished

        run = newest_finished(options.runs) if options.run is None else find_run(options.run, options.runs)
        path = options.out or Path(f"{run.name}.{options.to or 'onnx'}")
        request = ExportRequest(path, options.to, options.int8, options.images, options.data_dir)
        exported = export_run(run, session.catalog, request, accept_changed=options.accept_changed)
        if options.as_json:
            print(json.dumps({"run": run.name, **exported.as_dict()}))
        else:
            print_exported(terminal(), run.name, exported)

    return command(session, ExportOptions, export)


def print_exported(console: Any, run: str, exported: Exported) -> None:
    """Where the file is, and how well it agrees with the network."""
    facts = [
        ("file", f"{exported.path} ({exported.bytes / 1e6:.1f} MB)"),
        ("difference", f"{exported.difference:.1g} in probabilities, at most"),
        ("same class", f"{exported.same_class:,} of {exported.images:,} images"),
    ]
    if exported.accuracy is not None:
        before, after = exported.accuracy
        facts.append(("test accuracy", f"{before:.4f} before, {after:.4f} in int8"))
    facts.append(("run", run))
    say_facts(console, facts)
