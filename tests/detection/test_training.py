"""Training the head: it learns, mines, resumes to the same bits, and weighs classes by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from netlab.detection.model.head import DetectionHead
from netlab.detection.training.experiment import AnnotatedFolder, prepare, run_experiment
from netlab.detection.training.regions import LabelledRegions, RegionSet
from netlab.detection.training.sampling import inverse_frequency_weights, mine_hard_negatives, sample_steps
from netlab.detection.training.settings import DetectionSettings
from netlab.detection.training.task import HeadTask, optimization_of
from netlab.engine.catalog import Catalog
from netlab.errors import NetlabError, UsageError
from netlab.network import Part
from netlab.runs.directory import RunDirectory
from netlab.runs.history import read_history
from netlab.threads import limited_threads
from netlab.training.loop import EpochListener, Trained, train
from netlab.training.reporter import Silent

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
        iou = rng.uniform(0, 1, len(labels))
        x[:, 8] += 6 * iou - 3
        regions = np.zeros((len(labels), 4), np.float32)
        labelled.append(
            LabelledRegions(regions, labels, targets, regressed, labels <= 0, iou.astype(np.float32))
        )
        features.append(x.astype(np.float16))
    return RegionSet(labelled, features, [False] * images)


def train_head(
    head: DetectionHead,
    settings: DetectionSettings = SETTINGS,
    run: RunDirectory | None = None,
    on_epoch: EpochListener = lambda epoch, row: None,
    regions: RegionSet | None = None,
) -> Trained:
    task = HeadTask(region_set() if regions is None else regions, head, settings)
    trained = train(task, optimization_of(settings), run, on_epoch=on_epoch)
    head.eval()
    return trained


def test_the_head_learns_classes_and_boxes():
    head = DetectionHead(DIMENSION, CLASSES)
    trained = train_head(head)
    other = region_set(1)
    logits, deltas, _ = head(other.fetch(np.arange(len(other))))
    kept = other.labels >= 0
    assert (logits.argmax(1).numpy() == other.labels)[kept].mean() > 0.9
    close = other.regressed > 0
    found = deltas.detach().numpy()[close, other.regressed[close] - 1]
    assert np.abs(found - other.targets[close]).mean() < 0.4
    assert [row["epoch"] for row in trained.history] == [1, 2, 3, 4]
    assert trained.history[-1]["train_loss"] < trained.history[0]["train_loss"]


def test_the_head_learns_how_well_a_region_fits():
    head = DetectionHead(DIMENSION, CLASSES, fit=16)
    train_head(head)
    other = region_set(1)
    with torch.inference_mode():
        fit = head(other.fetch(np.arange(len(other)))).fit.sigmoid().numpy()
    assert np.corrcoef(fit, other.iou)[0, 1] > 0.8
    without = DetectionHead(DIMENSION, CLASSES)
    train_head(without)
    for name, weight in without.named_parameters():  # what is learnt beside it changes nothing of the rest
        assert torch.equal(weight, head.get_parameter(name)), name


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
            np.zeros(n, np.float32),
        )
        for n in (30, 0, 40)
    ]
    regions = RegionSet(labelled, features, [False, True, False])
    numbers = rng.permutation(len(regions))[:50]
    np.testing.assert_array_equal(
        regions.fetch(numbers), np.concatenate(features)[numbers].astype(np.float32)
    )
    assert [block.tolist() for block in regions.blocks()] == [list(range(30)), [], list(range(30, 70))]


def test_training_takes_one_thread_and_gives_the_others_back(catalog: Catalog, scenes: Path, tmp_path: Path):
    seen: list[tuple[str, int]] = []

    class Watcher(Silent):
        def advance(self) -> None:
            seen.append(("phase", torch.get_num_threads()))

        def step(self, *, epoch: int, step: int, loss: float) -> None:
            seen.append(("step", torch.get_num_threads()))

    chosen = (catalog.find("detector", "rcnn"), catalog.default("proposer"), catalog.default("extractor"))
    parts = {part.kind: Part(part, part.make_options({})) for part in chosen}
    training = {"image_side": 96, "long_side": 60, "limit": 20, "epochs": 1, "jitter": 2, "flips": False}
    with limited_threads(2):
        experiment = prepare(
            parts, training, AnnotatedFolder(scenes, classes=["three"]), weights="none", runs=tmp_path,
            name=None, cache=None, device="auto",
        )  # fmt: skip
        finished = run_experiment(experiment, catalog, Watcher())
        assert torch.get_num_threads() == 2
    assert set(seen) == {("phase", 2), ("step", 1)}
    assert finished.result["class_names"] == ["three"]
    assert finished.directory.path.parent == tmp_path
    assert finished.directory.name.startswith("selective-search-mobilenet_v2-s0-")


def test_a_step_holds_one_to_three_and_every_positive_comes_once():
    positive, background = np.arange(40), np.arange(100, 140)
    steps = sample_steps(positive, background, np.empty(0, np.int64), SETTINGS, np.random.default_rng(0))
    assert all((step < 100).sum() == 4 and (step >= 100).sum() == 12 for step in steps)
    assert sorted(n for step in steps for n in step if n < 100) == positive.tolist()


def test_after_mining_half_of_the_background_is_hard():
    hard = np.arange(200, 210)
    steps = sample_steps(np.arange(40), np.arange(100, 140), hard, SETTINGS, np.random.default_rng(0))
    shown = np.concatenate(steps)
    assert (shown >= 200).sum() == (shown >= 100).sum() / 2


def test_hard_negatives_are_candidates_that_look_like_a_class():
    regions = region_set()
    head = DetectionHead(DIMENSION, CLASSES)
    train_head(head, regions=regions)
    found = mine_hard_negatives(regions, head, most=10_000)
    assert regions.candidates[found].all()
    logits = head(regions.fetch(np.arange(len(regions)))).logits
    chance = 1 - logits.softmax(1)[:, 0].detach().numpy()
    np.testing.assert_array_equal(found, np.flatnonzero(regions.candidates & (chance >= 0.1)))
    few = mine_hard_negatives(regions, head, most=3)
    assert set(few) == set(found[np.argsort(-chance[found], kind="stable")[:3]])


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_resumed_training_ends_in_the_same_bits(tmp_path: Path, after: int):
    """Interrupted before, at and after the mining of hard negatives."""

    def trained_in(run: RunDirectory | None, stop: int | None = None) -> tuple[DetectionHead, Trained]:
        head = DetectionHead(DIMENSION, CLASSES, hidden=6, dropout=0.2)
        torch.manual_seed(0)
        head.initialize()

        def on_epoch(epoch: int, row: Mapping[str, float]) -> None:
            if epoch == stop:
                raise Interrupted

        return head, train_head(head, run=run, on_epoch=on_epoch)

    whole, uninterrupted = trained_in(None)
    run = RunDirectory(tmp_path / "run")
    run.create()
    with pytest.raises(Interrupted):
        trained_in(run, stop=after)
    resumed, continued = trained_in(run)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    clock = {"seconds"}
    for ours, theirs in zip(continued.history, uninterrupted.history, strict=True):
        assert {k: str(v) for k, v in ours.items() if k not in clock} == {
            k: str(v) for k, v in theirs.items() if k not in clock
        }
    assert str(read_history(run.history, ())) == str(continued.history)  # nan is not equal to itself
    assert not run.best_checkpoint.exists()


def test_a_checkpoint_of_other_regions_is_refused(tmp_path: Path):
    run = RunDirectory(tmp_path / "run")
    run.create()
    train_head(DetectionHead(DIMENSION, CLASSES), run=run)
    with pytest.raises(NetlabError, match="its hard negatives are not of these"):
        train_head(DetectionHead(DIMENSION, CLASSES), run=run, regions=region_set(images=1))


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path):
    run = RunDirectory(tmp_path / "run")
    run.create()
    train_head(DetectionHead(DIMENSION, CLASSES), run=run)
    run.last_checkpoint.write_bytes(run.last_checkpoint.read_bytes()[:200])
    with pytest.raises(NetlabError, match=r"last\.safetensors is truncated or damaged"):
        train_head(DetectionHead(DIMENSION, CLASSES), run=run)


def test_no_positives_is_an_error_that_says_so():
    regions = region_set()
    regions.labels[regions.labels > 0] = -1
    with pytest.raises(UsageError, match="no region is positive"):
        train_head(DetectionHead(DIMENSION, CLASSES), regions=regions)


def test_a_loss_that_is_not_finite_stops_the_training():
    with pytest.raises(NetlabError, match="the loss became .* Try a smaller --lr"):
        train_head(DetectionHead(DIMENSION, CLASSES), SETTINGS.model_copy(update={"lr": 1e30}))


def test_inverse_frequency_weights_have_the_background_first_and_count_no_ignored_region():
    labels = np.array([0] * 60 + [1] * 30 + [2] * 10 + [-1] * 500)
    assert inverse_frequency_weights(labels, 2).tolist() == pytest.approx([100 / 180, 100 / 90, 100 / 30])
