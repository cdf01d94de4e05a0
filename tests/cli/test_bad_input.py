"""Whatever is typed wrongly gets one line that says what was expected, and exit code 2; never a box."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]

WRONG_TYPES = {
    "run --epochs x": "--epochs x: expected a whole number, >= 1",
    "run --epochs 1.5": "--epochs 1.5: expected a whole number, >= 1",
    "run --lr fast": "--lr fast: expected a number, > 0",
    "run --lr nan": "--lr nan: expected a number, > 0",
    "run --block grouped --paths x": "--block.paths x: expected a whole number, >= 1 and <= 64",
    "sweep --epochs 2,x": "--epochs x: expected a whole number, >= 1",
    "sweep --seeds x": "--seeds x: expected a whole number, >= 1",
    "summary --classes many": "--classes many: expected a whole number, >= 1",
    "metrics si --workers x": "--workers x: expected a whole number, >= 1",
    "detect train VOC --detector rcnn --limit x": "--limit x: expected a whole number, >= 1 and <= 10000",
    "detect proposals --stride x --proposer sliding-window": "--proposer.stride x: expected a number",
}
WRONG_RANGES = {
    "run --epochs 0": "--epochs 0: expected a whole number, >= 1",
    "run --momentum 1": "--optimizer.momentum 1: expected a number, >= 0 and < 1",
    "run --seed -1": "--seed -1: expected a whole number, >= 0 and < 2^63",
    "run --threads 0": "--threads 0: expected a whole number, >= 1",
    "predict a.jpg --top 0": "--top 0: expected a whole number, >= 1",
    "report --port 99999": "--port 99999: expected a whole number, >= 0 and <= 65535",
    "metrics si --fraction 0": "--fraction 0: expected a number, > 0 and <= 1",
    "metrics soft-si --order 0": "--soft-si.order 0: expected a whole number, >= 1",
    "detect predict a.jpg --model m --confidence 2": "--confidence 2: expected a number, >= 0 and <= 1",
}
WRONG_CHOICES = {
    "run --recipe quik": "there is no recipe 'quik'. Known: fast, lean, report, transfer.",
    "run --schedule cosin": "there is no schedule 'cosin'. Did you mean 'cosine'?",
    "metrics si --split tst": "--split tst: expected one of train, test, both. Did you mean 'test'?",
    "compare --format tex": "--format tex: expected one of table, csv, markdown, latex, json. Did you mean 'latex'?",
    "sweep --executor slrum": "--executor slrum: expected one of local, ray, slurm. Did you mean 'slurm'?",
    "run --activation rel": "there is no activation 'rel'. Did you mean 'relu' or 'elu'?",
    "plugins list --kind blok": "there is no kind 'blok'. Did you mean 'block'?",
    "detect eval VOC --model m --split vall": "--split vall: expected one of val, train, all",
}
MISSING = {
    "predict": "missing SOURCE (Images, videos, folders or globs)",
    "detect train": "missing VOC_DIR (VOC layout, or a folder of images and XML)",
    "detect eval": "missing VOC_DIR (VOC layout, or a folder of images and XML) and --model",
    "detect crops": "missing VOC_DIR (VOC layout, or a folder of images and XML)",
    "plugins show": "missing NAME",
    "plugins new": "missing NAME",
    "run --epochs": "--epochs needs a value (see netlab run --help)",
    "run --block": "--block needs a value (see netlab run --help)",
    "metrics si --layers": "--layers needs a value (see netlab metrics --help)",
    "detect train VOC --detector rcnn --limit": "--limit needs a value (see netlab detect train --help)",
    "run --data npz": "dataset 'npz' needs --data.path (The file)",
    "metrics si --data npz": "dataset 'npz' needs --data.path (The file)",
    "summary --data npz": "dataset 'npz' needs --data.path (The file)",
    "metrics": "name at least one metric",
    "detect proposals": "name images, or a data set with --evaluate",
}
UNKNOWN = {
    "runn": "there is no command 'runn'. Did you mean 'run' or 'runs'?",
    "trian --epochs 3": "there is no command 'trian'.",
    "plugins lst": "there is no command 'plugins lst'. Did you mean 'list'?",
    "detect trian": "there is no command 'detect trian'. Did you mean 'train'?",
    "detect qqq": "there is no command 'detect qqq'. Known: train, predict, eval, proposals, crops.",
    "run --epoch 3": "there is no flag --epoch. Did you mean '--epochs'",
    "predict a.jpg --tpo 3": "there is no flag --tpo. Did you mean '--top'",
    "compare --basline x": "there is no flag --basline. Did you mean '--baseline'?",
    "detect --modle x": "there is no flag --modle.",
    "--vers": "there is no flag --vers. Did you mean '--version'?",
    "run -x": "there is no flag -x.",
    "metrics sii": "there is no metric 'sii'. Did you mean 'si'",
}
SURPLUS = {
    "run extra": "netlab run takes no 'extra'. (see netlab run --help)",
    "run epochs 3": "netlab run takes no 'epochs 3'. Did you mean '--epochs'?",
    "plugins list a b": "netlab plugins list takes no 'b'.",
    "run --quiet=3": "--quiet takes no value",
    "run --skip=3": "--block.skip takes no value",
    "compare a --sweep b": "give runs or --sweep, not both",
}
TABLE = WRONG_TYPES | WRONG_RANGES | WRONG_CHOICES | MISSING | UNKNOWN | SURPLUS


@pytest.mark.parametrize(("line", "said"), TABLE.items(), ids=list(TABLE))
def test_one_line_and_exit_code_2(cli: Cli, line: str, said: str) -> None:
    outcome = cli(*shlex.split(line))
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.startswith(f"netlab: error: {said}"), outcome.err
    assert outcome.err.count("\n") == 1
    assert not list(Path().iterdir())


@pytest.mark.parametrize("words", [(), ("detect",), ("plugins",)], ids=" ".join)
def test_a_command_that_needs_another_word_shows_which(cli: Cli, words: tuple[str, ...]) -> None:
    outcome = cli(*words)
    assert outcome.code == 2
    assert "Commands" in outcome.out
    assert outcome.err == ""


COMMANDS = (
    "run", "summary", "metrics", "predict", "sweep", "compare", "report", "detect train", "detect predict",
    "detect eval", "detect proposals", "detect crops", "plugins list", "plugins show", "plugins new",
    "plugins check", "plugins freeze",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_80_columns_and_cuts_nothing(cli: Cli, command: str) -> None:
    outcome = cli(*command.split(), "--help")
    assert outcome.code == 0
    assert "…" not in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert f"Usage: netlab {command} [OPTIONS]" in outcome.out
    assert "--help, -h" in outcome.out


def test_names_that_look_like_markup_are_shown_as_they_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from netlab.classification.predictions import Predicted, Prediction
    from netlab.cli.core.console import say_facts, terminal
    from netlab.cli.detect.eval import print_figures
    from netlab.cli.networks.predict import PredictOptions, print_predictions

    likeliest = (("[/cat]", 0.75), ("[cat]", 0.25))
    predicted = Predicted([Prediction(Path("[red]a.jpg"), likeliest)])
    print_predictions("[/run]", predicted, PredictOptions(sources=["a.jpg"]))
    row = {"ap50": 1.0, "ap75": 1.0, "ap": 1.0, "voc2007": 1.0, "objects": 3, "confidence": 0.5}
    row |= {"precision": 1.0, "recall": None}
    print_figures(
        terminal(), {**row, "per_class": {"[/dog]": row, "[dog]": row}, "images": 2, "intervals": {}}
    )
    long = f"{tmp_path}/{'n' * 120}/plots"
    say_facts(terminal(), [("run", "[bold]x"), ("plots", long)])
    shown = capsys.readouterr().out
    for text in ("[/run]", "[red]a.jpg", "[/cat]", "[cat]", "[/dog]", "[dog]", "[bold]x", long):
        assert text in shown
