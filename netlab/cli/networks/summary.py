"""``netlab summary``: the layers of an assembly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import Field

from netlab.cli.core.command import Given, command
from netlab.cli.core.console import plain_table, terminal
from netlab.cli.core.options import DataFolder, Json, Offline
from netlab.cli.core.part_flags import part_flags
from netlab.cli.core.selection import PART_HELPS, choose_parts, read_selectors, selector_flags
from netlab.cli.core.session import Session
from netlab.errors import UsageError
from netlab.kinds import KINDS
from netlab.runs.config import NETWORK_KINDS

if TYPE_CHECKING:
    from netlab.classification.summary import NetworkSummary


class SummaryOptions(DataFolder, Offline, Json):
    input: str = Field("3x32x32", description="Channels x height x width.")
    classes: int = Field(10, ge=1, description="Number of classes.")


def parse_input(text: str) -> tuple[int, int, int]:
    """``3x32x32`` as (channels, height, width)."""
    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)", text)
    if match is None or not all(map(int, match.groups())):
        raise UsageError(f"--input {text}: expected CHANNELSxHEIGHTxWIDTH, such as 3x32x32")
    channels, height, width = map(int, match.groups())
    return channels, height, width


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the parts that the command line names."""
    catalog = session.catalog
    selected = read_selectors(
        session.after_command, ["data", *(KINDS[kind].selector for kind in NETWORK_KINDS)]
    )
    kinds = (*NETWORK_KINDS, *(["dataset"] if "data" in selected else []))
    parts = choose_parts(catalog, kinds, selected, {})
    helps = PART_HELPS | {"dataset": "Take image size and classes from this data set."}

    def summary(options: SummaryOptions, given: Given) -> None:
        """Show the layers of an assembly: type, output shape, parameters and multiply-adds for one image."""
        from netlab.classification.summary import DataShape, summarize_parts
        from netlab.engine.catalog import Part

        chosen = {
            kind: Part(component, component.make_options(given.get(KINDS[kind].selector, {})))
            for kind, component in parts.items()
        }
        shape = DataShape(parse_input(options.input), options.classes)
        found = summarize_parts(chosen, shape, data_dir=options.data_folder, offline=options.offline)
        if options.as_json:
            layers = [asdict(layer) for layer in found.layers]
            print(json.dumps({"parameters": found.parameters, "layers": layers}, indent=2))
        else:
            print_layers(found)

    flags = [
        *selector_flags(catalog, (*NETWORK_KINDS, "dataset"), helps, parts),
        *(flag for component in parts.values() for flag in part_flags(component, session.after_command)),
    ]
    return command(session, SummaryOptions, summary, flags=flags, parts=parts.values())


def print_layers(found: NetworkSummary) -> None:
    """The layers as a table, with totals."""
    image = "x".join(map(str, found.image))
    numbers = ("output", "parameters", "multiply-adds")
    table = plain_table("layer", "type", *numbers, right=numbers, show_footer=True, footer_style="bold")
    for column, footer in zip(
        table.columns, ("total", "", f"for {image}", f"{found.parameters:,}", f"{found.macs:,}"), strict=True
    ):
        column.footer = footer
    for layer in found.layers:
        shape = "x".join(map(str, layer.output))
        table.add_row(str(layer.name), str(layer.type), shape, f"{layer.parameters:,}", f"{layer.macs:,}")
    terminal().print(table)
