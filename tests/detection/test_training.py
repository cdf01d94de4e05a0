"""Training the head: it learns, mines, resumes to the same bits, and weighs classes by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from netlab.detection.model.head import DetectionHead
from netlab.detection.training.head_training import (
    draw_steps,
    inverse_frequency_weights,
    load_checkpoint,
    mine_hard_negatives,
    train_head,
)
from netlab.detection.training.regions import LabelledRegions, RegionSet
from netlab.detection.training.settings import DetectionSettings
from netlab.errors import NetlabError, UsageError

CLASSES, DIMENSION = 2, 12
SETTINGS = DetectionSettings(epochs=4, batch_size=16, lr=0.05, decay=0.0005, mine_after=2)


def region_set(seed: int = 0, images: int = 6, objects: int = 10) -> RegionSet:
    """Features whose first columns are the class and the deltas, under noise."""
    rng = np.random.default_rng(seed)
    labelled, features = [], []
    for _ in range(images):
        labels = rng.choice([-1, 0, 0, 0, 1, 2], 6 * objects)
        targets = rng.normal(0, 1, (len(labels), 4)).astype(np.float32)
        x = rng.normal(0, 0.3, (len(labels), DIMENSION))
        x[:, :3] += np.eye(3)[labels] * (labels >= 0)[:, None]
        x[:, 4:8] += targets
        regressed = np.where(labels > 0, labels, 0)
        regions = np.zeros((len(labels), 4), np.float32)
        labelled.append(LabelledRegions(regions, labels, targets, regressed, labels <= 0))
        features.append(x.astype(np.float16))
    return RegionSet(labelled, features, [False] * images)


def test_the_head_learns_classes_and_boxes():
    regions = region_set()
    head = DetectionHead(DIMENSION, CLASSES)
    state = train_head(regions, head, SETTINGS)
    other = region_set(1)
    logits, deltas = head(other.fetch(np.arange(len(other))))
    kept = other.labels >= 0
    assert (logits.argmax(1).numpy() == other.labels)[kept].mean() > 0.9
    close = other.regressed > 0
    found = deltas.detach().numpy()[close, other.regressed[close] - 1]
    assert np.abs(found - other.targets[close]).mean() < 0.4
    assert [row["epoch"] for row in state.history] == [1, 2, 3, 4]
    assert state.history[-1]["train_loss"] < state.history[0]["train_loss"]


def test_features_are_fetched_by_number_in_any_order():
    rng = np.random.default_rng(0)
    features = [rng.normal(size=(n, 5)).astype(np.float16) for n in (30, 0, 40)]
    labelled = [
        LabelledRegions(
            np.zeros((n, 4), np.float32),
            np.zeros(n, int),
            np.zeros((n, 4)),
            np.zeros(n, int),
            np.ones(n, bool),
        )
        for n in (30, 0, 40)
    ]
    regions = RegionSet(labelled, features, [False, True, False])
    numbers = rng.permutation(len(regions))[:50]
    np.testing.assert_array_equal(
        regions.fetch(numbers), np.concatenate(features)[numbers].astype(np.float32)
    )
    assert [block.tolist() for block in regions.blocks()] == [list(range(30)), [], list(range(30, 70))]


def test_training_takes_one_thread_and_gives_the_others_back():
    before = torch.get_num_threads()
    seen: list[int] = []
    torch.set_num_threads(2)
    try:
        train_head(
            region_set(), DetectionHead(DIMENSION, CLASSES), SETTINGS,
            on_step=lambda *_: seen.append(torch.get_num_threads()),
        )  # fmt: skip
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_step_holds_one_to_three_and_every_positive_comes_once():
    positive, background = np.arange(40), np.arange(100, 140)
    steps = draw_steps(positive, background, np.empty(0, np.int64), SETTINGS, np.random.default_rng(0))
    assert all((step < 100).sum() == 4 and (step >= 100).sum() == 12 for step in steps)
    assert sorted(n for step in steps for n in step if n < 100) == positive.tolist()


def test_after_mining_half_of_the_background_is_hard():
    hard = np.arange(200, 210)
    steps = draw_steps(np.arange(40), np.arange(100, 140), hard, SETTINGS, np.random.default_rng(0))
    shown = np.concatenate(steps)
    assert (shown >= 200).sum() == (shown >= 100).sum() / 2


def test_hard_negatives_are_candidates_that_look_like_a_class():
    regions = region_set()
    head = DetectionHead(DIMENSION, CLASSES)
    train_head(regions, head, SETTINGS)
    found = mine_hard_negatives(regions, head, most=10_000)
    assert regions.candidates[found].all()
    logits, _ = head(regions.fetch(np.arange(len(regions))))
    chance = 1 - logits.softmax(1)[:, 0].detach().numpy()
    np.testing.assert_array_equal(found, np.flatnonzero(regions.candidates & (chance >= 0.1)))
    few = mine_hard_negatives(regions, head, most=3)
    assert set(few) == set(found[np.argsort(-chance[found], kind="stable")[:3]])


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_resumed_training_ends_in_the_same_bits(tmp_path: Path, after: int):
    def train(checkpoint: Path | None, stop: int | None = None) -> DetectionHead:
        head = DetectionHead(DIMENSION, CLASSES, hidden=6, dropout=0.2)
        torch.manual_seed(0)
        head.initialize()

        def on_epoch(row: dict[str, float]) -> None:
            if row["epoch"] == stop:
                raise Interrupted

        train_head(region_set(), head, SETTINGS, checkpoint=checkpoint, on_epoch=on_epoch)
        return head

    whole = train(None)
    path = tmp_path / "last.safetensors"
    with pytest.raises(Interrupted):
        train(path, stop=after)
    resumed = train(path)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path):
    path = tmp_path / "last.safetensors"
    head = DetectionHead(DIMENSION, CLASSES)
    train_head(region_set(), head, SETTINGS, checkpoint=path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(NetlabError, match=r"last\.safetensors is damaged"):
        load_checkpoint(path, head, torch.optim.Adam(head.parameters()))


def test_no_positives_is_an_error_that_says_so():
    regions = region_set()
    regions.labels[regions.labels > 0] = -1
    with pytest.raises(UsageError, match="no region is positive"):
        train_head(regions, DetectionHead(DIMENSION, CLASSES), SETTINGS)


def test_a_loss_that_is_not_finite_stops_the_training():
    with pytest.raises(NetlabError, match="try a smaller --lr"):
        train_head(region_set(), DetectionHead(DIMENSION, CLASSES), SETTINGS.model_copy(update={"lr": 1e30}))


def test_inverse_frequency_weights_are_keyed_by_class_name():
    labels = np.array([0] * 60 + [1] * 30 + [2] * 10 + [-1] * 500)
    found = inverse_frequency_weights(labels, ["dog", "cat"])
    assert found == pytest.approx({"background": 100 / 180, "dog": 100 / 90, "cat": 100 / 30})
