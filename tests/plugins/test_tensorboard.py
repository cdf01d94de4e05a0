"""The TensorBoard tracker writes the history where its extra is installed, and nothing elsewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.conftest import Cli


def test_without_the_extra_a_run_goes_on_and_has_no_event_files(
    cli: Cli, tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "tensorboard" else found(name, *more)
    )
    outcome = cli("run", *tiny, "--epochs", "1", "--name", "r")
    assert outcome.code == 0
    assert "failed" not in outcome.err
    assert not Path("runs/r/tensorboard").exists()


def test_the_event_files_hold_the_history(cli: Cli, tiny: tuple[str, ...]) -> None:
    pytest.importorskip("torch.utils.tensorboard", exc_type=ImportError)
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from netlab.runs.history import read_history

    outcome = cli("run", *tiny, "--name", "r")
    assert outcome.code == 0
    assert "failed" not in outcome.err
    events = accumulator.EventAccumulator("runs/r/tensorboard")
    events.Reload()
    written = [(event.step, event.value) for event in events.Scalars("val_loss")]
    history = [(row["epoch"], row["val_loss"]) for row in read_history(Path("runs/r/history.csv"))]
    assert [step for step, _ in written] == [1, 2]
    assert [value for _, value in written] == pytest.approx([value for _, value in history], rel=1e-6)
    (config,) = events.Tensors("config/text_summary")
    assert 'name = "digits"' in config.tensor_proto.string_val[0].decode()
