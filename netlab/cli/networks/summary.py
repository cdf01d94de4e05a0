"""``netlab summary``: the layers of an assembly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from netlab.cli.core.flags import component_flags, own_spellings, rewrite_short_flags, with_flags
from netlab.cli.core.selection import choose_parts, read_selectors, selector_completions
from netlab.cli.core.session import Session
from netlab.errors import UsageError
from netlab.kinds import KINDS

KINDS_OF_NETWORK = ("backbone", "block", "norm")


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
    selectors = read_selectors(session.after_command, ["data", "backbone", "block", "norm"])
    kinds = (*KINDS_OF_NETWORK, *(["dataset"] if "data" in selectors else []))
    parts = choose_parts(catalog, kinds, selectors, {})
    flags = [flag for component in parts.values() for flag in component_flags(component)]

    def summary(
        values: dict[str, dict[str, Any]],
        backbone: Annotated[str, typer.Option("--backbone", help="The skeleton.")] = parts["backbone"].name,
        block: Annotated[str, typer.Option("--block", help="The block that it repeats.")] = parts[
            "block"
        ].name,
        norm: Annotated[str, typer.Option("--norm", help="The normalization.")] = parts["norm"].name,
        data: Annotated[
            str | None, typer.Option("--data", help="Take image size and classes from this data set.")
        ] = None,
        input: Annotated[str, typer.Option("--input", help="Channels x height x width.")] = "3x32x32",
        classes: Annotated[int, typer.Option("--classes", min=1, help="Number of classes.")] = 10,
        data_dir: Annotated[Path, typer.Option("--data-dir", help="Where data sets are kept.")] = Path(
            "data"
        ),
        offline: Annotated[bool, typer.Option("--offline", help="Download nothing.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Show the layers of an assembly: type, output shape, parameters and multiply-adds for one image."""
        from netlab.network import Part, assemble, count_parameters, summarize

        chosen = {
            kind: Part(component, component.make_options(values.get(KINDS[kind].selector, {})))
            for kind, component in parts.items()
        }
        channels, height, width = parse_input(input)
        if data is not None:
            dataset = chosen["dataset"]
            loaded = dataset.component.build(root=data_dir, offline=offline, options=dataset.options)
            channels, height, width = loaded.train.images.shape[1:]
            classes = len(loaded.class_names)
        network = assemble(
            chosen["backbone"], chosen["block"], chosen["norm"],
            in_channels=channels, image_size=(height, width), classes=classes,
        )  # fmt: skip
        layers = list(summarize(network, in_channels=channels, image_size=(height, width)))
        total = count_parameters(network)
        if as_json:
            rows = [
                {
                    "name": layer.name,
                    "type": layer.type,
                    "output": list(layer.output),
                    "parameters": layer.parameters,
                    "macs": layer.macs,
                }
                for layer in layers
            ]
            print(json.dumps({"parameters": total, "layers": rows}, indent=2))
            return
        print_table(layers, total, f"{channels}x{height}x{width}")

    session.arguments[1:] = rewrite_short_flags(
        session.after_command, flags, own_spellings(summary), catalog, parts.values()
    )
    return with_flags(summary, flags, selector_completions(catalog, ("dataset", *KINDS_OF_NETWORK)))


def print_table(layers: list[Any], total: int, image: str) -> None:
    """The layers as a table, with totals."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", show_footer=True, pad_edge=False)
    table.add_column("layer", "total", footer_style="bold")
    table.add_column("type")
    table.add_column("output", f"for {image}", justify="right")
    table.add_column("parameters", f"{total:,}", justify="right", footer_style="bold")
    table.add_column(
        "multiply-adds", f"{sum(layer.macs for layer in layers):,}", justify="right", footer_style="bold"
    )
    for layer in layers:
        shape = "x".join(map(str, layer.output))
        table.add_row(layer.name, layer.type, shape, f"{layer.parameters:,}", f"{layer.macs:,}")
    Console().print(table)
