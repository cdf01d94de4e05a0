"""Callbacks go along with a run: called in order, recorded, resumed to the bit, held to their contract."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import pytest
import safetensors.torch
import torch

from netlab.testing.distributions import write_distribution
from tests.cli.conftest import Install, sound
from tests.conftest import Cli

EXAMPLE = Path(__file__).parents[2] / "examples" / "netlab-plugin-ema" / "src"

DIARY = """
import contextlib
from netlab.kinds.callback import TrainingCallback

class Diary(TrainingCallback):
    columns = ("largest",)

    def __init__(self, training, *, options):
        self.training = training
        self.write(f"{training.steps} steps, {training.steps_per_epoch} an epoch")

    def write(self, text):
        with (self.training.folder / "diary.txt").open("a") as file:
            print(text, file=file)

    def gradients_ready(self, step, again):
        before = [weight.grad.clone() for weight in self.training.network.parameters()]
        again()
        after = [weight.grad for weight in self.training.network.parameters()]
        alike = all((a - b).abs().max() <= 1e-5 for a, b in zip(before, after))
        self.write(f"gradients {step} {alike}")

    def step_finished(self, step):
        self.write(f"step {step}")
        FAIL

    @contextlib.contextmanager
    def evaluation(self):
        self.write(f"evaluation of a network in training: {self.training.network.training}")
        yield
        self.write("evaluated")

    def epoch_finished(self, epoch):
        self.write(f"epoch {epoch}, checkpoint: {(self.training.folder / 'checkpoints/last.safetensors').exists()}")
        return GIVEN
"""


def diary(install: Install, *, fail: str = "pass", given: str = '{"largest": 2}', code: str = DIARY) -> None:
    """A plugin with a callback that writes what it sees, and may break in two places."""
    declared = sound("diary", kind="callback", target="HERE:Diary")
    install("diary", declared + code.replace("FAIL", fail).replace("GIVEN", given))


def tensors(run: str, file: str = "last.safetensors") -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(f"runs/{run}/checkpoints/{file}")


def test_a_callback_is_called_in_the_order_of_training_and_recorded(
    cli: Cli, install: Install, tiny: tuple[str, ...]
) -> None:
    diary(install)
    outcome = cli("run", *tiny, "--batch-size", "600", "--callback", "diary", "--name", "r")
    assert outcome.code == 0, outcome.err
    lines = Path("runs/r/diary.txt").read_text().splitlines()
    assert lines[0] == "4 steps, 2 an epoch"
    assert lines[1:8] == [
        "gradients 0 True", "step 0", "gradients 1 True", "step 1",
        "evaluation of a network in training: True", "evaluated", "epoch 1, checkpoint: False",
    ]  # fmt: skip
    assert lines[-1] == "epoch 2, checkpoint: True"
    with Path("runs/r/history.csv").open() as file:
        assert [row["largest"] for row in csv.DictReader(file)] == ["2.0", "2.0"]
    assert tomllib.loads(Path("runs/r/config.toml").read_text())["callback"] == [{"name": "diary"}]
    other = cli("run", *tiny, "--batch-size", "600", "--name", "r")
    assert other.code == 2
    assert "callback: diary() -> none" in other.err


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"fail": "raise RuntimeError('boom')"}, "callback 'diary' of diary 1.0 failed: RuntimeError: boom"),
        ({"given": "{}"}, "expected values of its columns (largest), not none"),
        ({"given": "{'largest': 'x'}"}, "its values are not numbers: {'largest': 'x'}"),
        ({"code": DIARY.replace('"largest"', '"val_loss"')}, "its column 'val_loss' is in the history already"),
        ({"code": DIARY.replace('"largest"', '"a b"')}, "its column 'a b' is not of letters, digits and _"),
        ({"code": "def Diary(training, *, options):\n    return 3\n"}, "gave int, not a TrainingCallback"),
    ],
)  # fmt: skip
def test_a_callback_that_breaks_its_contract_ends_the_run_with_its_plugin_s_name(
    cli: Cli, install: Install, tiny: tuple[str, ...], broken: dict[str, str], message: str
) -> None:
    diary(install, **broken)
    outcome = cli("run", *tiny, "--epochs", "1", "--callback", "diary", "--name", "r")
    assert outcome.code == 3
    assert message in outcome.err
    assert "diary 1.0" in outcome.err
    assert not Path("runs/r/result.json").exists()


@pytest.fixture
def ema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example plugin, as if it were installed."""
    points = {"netlab.v1": {"ema": "netlab_ema.plugin"}}
    write_distribution(tmp_path / "site", "netlab-plugin-ema", "0.1.0", points)
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.syspath_prepend(tmp_path / "site")


@pytest.mark.usefixtures("ema")
def test_the_average_is_what_is_measured_and_a_resumed_run_is_equal_to_the_bit(
    cli: Cli, tiny: tuple[str, ...]
) -> None:
    words = ("run", *tiny, "--schedule", "constant", "--callback", "sam", "--callback", "ema")
    for name, epochs in (("whole", (2,)), ("halves", (1, 2)), ("plain", (2,))):
        chosen = words[: -4 if name == "plain" else None]
        for number in epochs:
            outcome = cli(*chosen, "--epochs", number, "--name", name)
            assert outcome.code == 0, outcome.err
    whole, halves, plain = tensors("whole"), tensors("halves"), tensors("plain")
    assert any(name.startswith("state.callbacks.1.") for name in whole)
    assert whole.keys() == halves.keys()
    assert all(torch.equal(whole[name], halves[name]) for name in whole)
    best = tensors("whole", "best.safetensors")
    mean = {name.replace("network.", "state.callbacks.1."): value for name, value in best.items()}
    assert any(not torch.equal(best[name], whole[name]) for name in best)
    assert all(torch.equal(value, whole[name]) for name, value in mean.items() if name in whole)
    assert any(not torch.equal(plain[name], whole[name]) for name in plain)


def test_the_gradients_norm_is_added_to_the_history_and_training_is_the_same(
    cli: Cli, tiny: tuple[str, ...]
) -> None:
    for name, words in (("with", ("--callback", "gradient-norm")), ("without", ())):
        assert cli("run", *tiny, *words, "--name", name).code == 0
    with_it, without = tensors("with"), tensors("without")
    assert all(torch.equal(with_it[name], value) for name, value in without.items())
    with Path("runs/with/history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert all(0 < float(row["gradient_norm"]) <= float(row["gradient_norm_max"]) for row in rows)
