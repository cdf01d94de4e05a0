"""The help of a command: its flags in panels, names never cut, as wide as the terminal."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from netlab.cli.core.console import terminal
from netlab.visible import visible

if TYPE_CHECKING:
    from rich.table import Table

WIDEST_TYPE = 17  # columns: <auto|fp32|bf16>; a longer one is folded


class FlagCommand(TyperCommand):
    """A command whose help gives a flag and its ``--no-`` form one column.

    Typer gives them two, and cuts both where 80 characters are too few.
    """

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """``[OPTIONS] VOC_DIR [NAME...]``: arguments in the words of their commands."""
        arguments = [param for param in self.params if param.param_type_name == "argument"]
        return ["[OPTIONS]", *(str(param.metavar) for param in arguments)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        if self.rich_markup_mode is None:
            super().format_help(ctx, formatter)
        else:
            print_help(self, ctx)


def print_help(command: FlagCommand, ctx: Any) -> None:
    """Usage, what the command does, and a panel for every group of flags."""
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.text import Text

    console = terminal()
    console.print()
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    console.print(Padding(Text.assemble(("Usage: ", "yellow"), (usage, "bold")), (0, 1)))
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    for paragraph in paragraphs:
        console.print()
        text = Text(" ".join(paragraph.split()), style="" if paragraph is paragraphs[0] else "dim")
        console.print(Padding(text, (0, 1)))
    console.print()
    panels: dict[str, list[Any]] = {"Arguments": [], "Options": []}
    for param in command.get_params(ctx):
        panels.setdefault(getattr(param, "rich_help_panel", None) or "Options", []).append(param)
    for title, params in panels.items():
        if params:
            console.print(Panel(flag_table(params), title=title, title_align="left", border_style="dim"))
    console.print()


def flag_table(params: list[Any]) -> Table:
    """A row a flag: its names, its type, what it is."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2), expand=True)
    names = [names_of(param) for param in params]
    longest = max(len(name) for several in names for name in several)
    table.add_column(no_wrap=True, min_width=longest)
    table.add_column(max_width=WIDEST_TYPE, overflow="fold")
    table.add_column(ratio=1)
    for param, several in zip(params, names, strict=True):
        is_argument = param.param_type_name == "argument"
        kind = "" if is_argument or param.is_flag else str(param.metavar)
        table.add_row(
            Text("\n".join(several), style="bold cyan"),
            Text(kind, style="yellow"),
            Text(visible(param.help or "")),
        )
    return table


def names_of(param: Any) -> list[str]:
    """The names of a flag, a line each; short ones stand behind the first."""
    if param.param_type_name == "argument":
        return [str(param.metavar)]
    long = [name for name in param.opts if name.startswith("--")]
    short = [name for name in param.opts if not name.startswith("--")]
    return [", ".join([*long, *short]), *param.secondary_opts]
