"""Options models become real flags."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

import netlab.cli
from netlab.cli.core.flags import model_flags
from netlab.cli.core.options import Options
from netlab.cli.core.words import rewrite_short_flags
from netlab.engine.catalog import Catalog
from netlab.engine.option_types import flag_type
from netlab.errors import UsageError

Cli = Callable[..., Any]


def text_of(output: str) -> str:
    """Help without its frame, in one line."""
    return " ".join(output.replace("│", " ").split())


def test_help_shows_exactly_the_flags_of_the_chosen_parts(cli: Cli) -> None:
    shown = text_of(cli("run", "--block", "grouped", "--norm", "gn", "--help").out)
    assert "--block.paths" in shown
    assert "Range: >= 1, <= 64. Default: 2. Short: --paths." in shown
    assert "--norm.block-groups" in shown
    assert "--augment.flip.vertical" in shown
    assert "--schedule.warmup" in shown
    assert "--schedule.every" not in shown
    assert "--block.paths" not in text_of(cli("run", "--block", "residual", "--help").out)


@pytest.mark.parametrize(
    "spelling", [["--block.paths", "3"], ["--paths", "3"], ["--paths=3"], ["--block.paths=3"]]
)
def test_long_and_short_forms_mean_the_same(cli: Cli, spelling: list[str]) -> None:
    shown = cli("run", "--block", "grouped", *spelling, "--data.size", "24", "--print-config")
    assert shown.code == 0, shown.err
    assert "paths = 3" in shown.out


def test_a_switch_is_turned_off_in_both_forms(cli: Cli) -> None:
    for flag in ("--no-skip", "--no-block.skip"):
        assert "skip = false" in cli("run", flag, "--data.size", "24", "--print-config").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--block", "residual", "--paths", "4"],
            "--paths belongs to block 'grouped'; you chose block 'residual'",
        ),
        (["--groups", "4"], "--groups belongs to norm 'gn'; you chose norm 'none'"),
        (["--block", "gruoped"], "there is no block 'gruoped'. Did you mean 'grouped'?"),
        (["--block", "grouped", "--pahts", "4"], "there is no flag --pahts. Did you mean '--paths'"),
        (
            ["--block", "grouped", "--paths", "99"],
            "--block.paths 99: expected a whole number, >= 1 and <= 64",
        ),
        (["--norm", "gn", "--eps", "0"], "--norm.eps 0: expected a number, > 0"),
        (["--device", "tpu"], "--device tpu: expected auto, cpu, cuda or cuda:N"),
        (["--device", "cuda:99"], "use --device cpu"),
        (["--name", "a/b"], "--name 'a/b'"),
        (["--horizontal"], "augmentation 'flip': horizontal-flip would change the labels"),
        (["--config", "absent.toml"], "there is no file absent.toml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_words_get_one_clear_line(cli: Cli, words: list[str], message: str) -> None:
    outcome = cli("run", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not Path("runs").exists()


class OneOption(BaseModel):
    width: int = 1
    deep: bool = False


def test_an_ambiguous_short_flag_names_both_long_ones(catalog: Catalog) -> None:
    flags = [
        flag
        for prefix in ("block", "norm")
        for flag in model_flags(OneOption, table=prefix, prefix=prefix, owner=f"{prefix} 'x'", panel="")
    ]
    meanings = r"--width could be '--block.width' \(block 'x'\) or '--norm.width' \(norm 'x'\)"
    with pytest.raises(UsageError, match=meanings):
        rewrite_short_flags(["--width", "3"], flags, catalog)
    with pytest.raises(UsageError, match="'--no-block.deep'.*'--no-norm.deep'"):
        rewrite_short_flags(["--no-deep"], flags, catalog)
    assert rewrite_short_flags(["--norm.width=3"], flags, catalog) == ["--norm.width=3"]


def test_a_short_form_is_shown_only_where_it_works(cli: Cli) -> None:
    """bn and the optimizer both have a momentum, so --momentum would be either."""
    shown = text_of(cli("run", "--norm", "bn", "--help").out)
    assert "--norm.momentum" in shown
    assert "Short: --momentum." not in shown
    assert "Short: --eps." in shown
    assert "Short: --momentum." in text_of(cli("run", "--norm", "gn", "--help").out)
    assert "--momentum could be" in cli("run", "--norm", "bn", "--momentum", "0.5").err
    words = ("--optimizer.momentum", "0.5", "--data.size", "24", "--print-config")
    config = cli("run", "--norm", "bn", *words).out
    assert "[optimizer]" in config.partition("momentum = 0.5")[0]


def test_an_unknown_spelling_of_a_flag_gets_the_closest(cli: Cli) -> None:
    outcome = cli("summary", "--norm", "gn", "--block_groups", "2")
    assert "Did you mean '--block-groups'" in outcome.err


def test_every_supported_type_becomes_a_flag() -> None:
    class Options(BaseModel):
        number: int = Field(3, ge=1, description="A number.")
        share: float | None = None
        choice: Literal["a", "b"] = "a"
        scales: tuple[float, ...] = (1.0, 2.0)
        path: Path | None = None

    flags = {flag.option: flag for flag in model_flags(Options, table="x", owner="x")}
    assert flags["number"].help == "A number. Range: >= 1. Default: 3."
    assert flags["share"].annotation is float
    assert flags["choice"].annotation == Literal["a", "b"]
    assert flags["scales"].annotation == list[float]
    assert flags["path"].annotation is Path


@pytest.mark.parametrize("annotation", [dict[str, int], object, int | str, tuple[int, str], Literal[1, 2]])
def test_a_type_that_no_flag_can_hold_is_named(annotation: object) -> None:
    with pytest.raises(TypeError, match="option 'strange' has type"):
        flag_type("strange", annotation)


def test_config_file_values_are_below_flags_and_choose_parts(cli: Cli) -> None:
    Path("mine.toml").write_text(
        '[block]\nname = "grouped"\npaths = 3\n[data]\nsize = 24\n[training]\nlr = 0.5\nepochs = 7\n'
    )
    shown = cli("run", "--config", "mine.toml", "--epochs", "9", "--print-config").out
    for line in ('name = "grouped"', "paths = 3", "lr = 0.5", "epochs = 9"):
        assert line in shown


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[blok]\nname='grouped'", "unknown key 'blok'. Did you mean 'block'"),
        ("[block]\nname='residual'\npaths=2", "block 'residual' has no option 'paths'"),
        ("[training]\nepoch=2", "no key 'epoch'. Did you mean 'epochs'"),
        ("[run]\nnam='x'", "[run] has no key 'nam'. Did you mean 'name'"),
        ("[block\n", "not valid TOML"),
        ("block = 3", "'block' must be a table"),
    ],
)
def test_a_wrong_config_file_names_the_key(cli: Cli, content: str, message: str) -> None:
    Path("mine.toml").write_text(content)
    outcome = cli("run", "--config", "mine.toml")
    assert outcome.code == 2
    assert message in outcome.err


def models_below(model: type[Options]) -> Iterator[type[Options]]:
    for below in model.__subclasses__():
        yield below
        yield from models_below(below)


@pytest.mark.parametrize(
    "option",
    [
        "runs", "detectors", "data_dir", "offline", "device", "threads", "seed", "json", "quiet",
        "baseline", "cache", "no_cache", "every", "voc-one-based", "workers", "ray_address",
    ],
)  # fmt: skip
def test_a_flag_that_several_commands_have_is_defined_once(option: str) -> None:
    for module in pkgutil.walk_packages(netlab.cli.__path__, "netlab.cli."):
        importlib.import_module(module.name)
    defining, having = set(), set()
    for model in models_below(Options):
        for name, field in model.model_fields.items():
            if (field.alias or name) == option:
                having.add(model)
                if name in model.__annotations__:
                    defining.add(model)
    assert len(defining) == 1
    assert len(having) > 1


def test_every_out_says_where_the_result_is_written(cli: Cli) -> None:
    commands = ("metrics", "report", "detect predict", "detect eval", "detect crops")
    for command in commands:
        assert "Where to write the result." in text_of(cli(*command.split(), "--help").out)
    assert "Write all to FILE.csv or FILE.json." in text_of(cli("predict", "--help").out)
