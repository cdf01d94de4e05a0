"""Numbers under stress: whatever the data and the options hold, figures are right or the refusal is one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import netlab
from netlab.errors import NetlabError
from tests.conftest import Cli

RNG = np.random.default_rng(0)
POINTS, LABELS = RNG.normal(size=(60, 4)), np.arange(60) % 3


def save_images(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    np.savez(path, train_images=images, train_labels=labels, test_images=images[:16], test_labels=labels[:16])


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """37 images: of any even size of batch, the last one is another, and of 32 or 18 it is one image."""
    images = RNG.integers(0, 256, (37, 24, 24), dtype=np.uint8)
    save_images(tmp_path / "few.npz", images, np.arange(37) % 3)
    return tmp_path / "few.npz"


TRAIN = ("run", "--data", "npz", "--width", "4", "--epochs", "1", "--name", "r", "--quiet")


@pytest.mark.parametrize("norm", ["bn", "none"])
@pytest.mark.parametrize(
    "size", [1, 32, 11]
)  # of one image; 33 are trained on, so that the last has one, or none
def test_batches_of_one_and_a_last_batch_of_one_are_trained(
    cli: Cli, few: Path, norm: str, size: int
) -> None:
    outcome = cli(*TRAIN, "--data.path", few, "--norm", norm, "--batch-size", size)
    assert outcome.code == 0, outcome.err
    row = netlab.load_run("r").history[0]
    assert np.isfinite([row["train_loss"], row["val_loss"]]).all()


def test_images_that_are_all_alike_are_trained(cli: Cli, tmp_path: Path) -> None:
    save_images(tmp_path / "black.npz", np.zeros((36, 24, 24), np.uint8), np.arange(36) % 3)
    outcome = cli(*TRAIN, "--data.path", tmp_path / "black.npz", "--norm", "bn")
    assert outcome.code == 0, outcome.err
    assert json.loads(Path("runs/r/interface.json").read_text())["normalization"]["std"] == [1.0]


def test_images_of_one_class_are_refused(cli: Cli, tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (36, 24, 24), dtype=np.uint8)
    save_images(tmp_path / "one.npz", images, np.zeros(36, int))
    outcome = cli(*TRAIN, "--data.path", tmp_path / "one.npz")
    assert (outcome.code, "a single class" in outcome.err) == (2, True), outcome.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--lr", "0"), 2, "--lr 0: expected a number"),
        (("--lr", "nan"), 2, "--lr nan: expected a number"),
        (("--lr", "inf"), 2, "--lr inf: expected a number"),
        (("--lr", "-1"), 2, "--lr -1: expected a number"),
        (("--lr", "1e30", "--norm", "none"), 1, "the loss became"),
        (("--batch-size", "0"), 2, "--batch-size 0: expected a whole number"),
        (("--batch-size", "99999999999"), 2, "--batch-size 99999999999: expected a whole number"),
        (("--epochs", "0"), 2, "--epochs 0: expected a whole number"),
        (("--weight-decay", "1e300"), 2, "--weight-decay 1e300: expected a number"),
        (("--lr", "1e300"), 2, "--lr 1e300: expected a number"),
    ],
)
def test_a_number_out_of_range_is_one_line(
    cli: Cli, few: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    outcome = cli(*TRAIN, "--data.path", few, "--epochs", "3", *words)
    assert (outcome.code, len(outcome.err.splitlines())) == (code, 1), outcome.err
    assert said in outcome.err
    assert not Path("runs/r/result.json").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (17, 2), (59, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_value_that_is_no_number_is_found_wherever_it_is(
    value: float, place: tuple[int, int], dtype: type
) -> None:
    features = POINTS.astype(dtype)
    features[place] = value
    for score in (netlab.si_score, netlab.csi_score):
        with pytest.raises(
            NetlabError, match=f"features hold {value} at point {place[0]}, feature {place[1]}"
        ):
            score(features, LABELS)


@pytest.mark.parametrize("exponent", [-1060, -1030, -530, -149, -1, 500, 1000])
def test_what_is_separated_does_not_depend_on_the_scale(exponent: int) -> None:
    """A power of two changes no order of distances; squares of these would be zero or infinite."""
    whole = np.round(POINTS * 1024)  # what subnormal numbers can hold
    scaled = np.ldexp(whole, exponent)
    assert np.array_equal(np.ldexp(scaled, -exponent), whole)
    for score in (netlab.si_score, netlab.csi_score):
        assert score(scaled, LABELS) == score(whole, LABELS)


def test_subnormal_float32_features_are_those_of_float64(tmp_path: Path) -> None:
    tiny = np.ldexp(np.round(POINTS * 100), -149).astype(np.float32)
    assert 0 < np.abs(tiny[tiny != 0]).max() < np.finfo(np.float32).tiny
    assert netlab.si_score(tiny, LABELS) == netlab.si_score(np.round(POINTS * 100), LABELS)


def test_points_that_are_all_alike_are_ties() -> None:
    assert 0 <= netlab.si_score(np.zeros((60, 4)), LABELS) <= 1
