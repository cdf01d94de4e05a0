"""Training the head on cached features, to be read from top to bottom."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netlab.detection.model.head import DetectionHead
from netlab.detection.training.labels import BACKGROUND
from netlab.detection.training.regions import RegionSet
from netlab.detection.training.settings import DetectionSettings
from netlab.errors import NetlabError, UsageError
from netlab.runs.files import write_atomically, write_csv
from netlab.threads import single_threaded

CHECKPOINT_FORMAT = "netlab-detection-checkpoint-1"
HISTORY_COLUMNS = ("epoch", "train_loss", "train_box_loss", "val_ap50", "hard_negatives", "lr", "seconds")
STANDARDIZED_FROM = 20_000  # regions
FETCHED_STEPS = 8  # steps whose features are fetched at a time: few enough to stay in the cache
HARDEST_SHARE = 0.1  # probability of a class from which background counts as hard
Row = dict[str, float]


@dataclass(slots=True)
class TrainingState:
    """How far training is. ``hard`` int64 (H,): the numbers of the hard negatives, once mined."""

    epoch: int = 0
    hard: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    history: list[Row] = field(default_factory=list)


def train_head(
    regions: RegionSet,
    head: DetectionHead,
    settings: DetectionSettings,
    *,
    class_weights: Tensor | None = None,
    validate: Callable[[DetectionHead], float] | None = None,
    checkpoint: Path | None = None,
    history: Path | None = None,
    on_step: Callable[[int, int, int, float], None] = lambda epoch, step, steps, loss: None,
    on_epoch: Callable[[Row], None] = lambda row: None,
) -> TrainingState:
    """Train ``head`` in place for ``settings.epochs``, continuing from ``checkpoint`` if it is there.

    An epoch shows every positive region once, with ``background_ratio`` background regions each. The
    loss is cross-entropy over K + 1 classes, plus half the mean squared error of the regression of
    regions close to an object, plus ``decay`` times the sum of squared weights. After ``mine_after``
    epochs the background regions of any overlap that look like a class are mined once, and from
    then on make up half of the background shown.

    Raises:
        UsageError: no region is positive, or none is background.
        NetlabError: the loss is not finite, or the checkpoint does not fit.
    """
    positive = np.flatnonzero(regions.labels > BACKGROUND)
    background = np.flatnonzero(regions.labels == BACKGROUND)
    if len(positive) == 0:
        raise UsageError("no region is positive: the training images have no objects of these classes")
    if len(background) == 0:
        raise UsageError(
            "no region is background: the proposer gave none that overlap an object by"
            f" {settings.background_iou:g} to {settings.positive_iou:g} (try a lower --background-iou)"
        )
    rng = np.random.default_rng(settings.seed)
    sample = np.concatenate([positive, background])
    sample = rng.permutation(sample)[:STANDARDIZED_FROM]
    head.fit_standardization(regions.fetch(np.sort(sample)))
    optimizer = torch.optim.Adam(head.parameters(), lr=settings.lr, betas=(0.9, 0.99))
    state = TrainingState()
    if checkpoint is not None and checkpoint.is_file():
        state = load_checkpoint(checkpoint, head, optimizer)
    with single_threaded():
        while state.epoch < settings.epochs:
            began = time.perf_counter()
            epoch = state.epoch + 1
            if settings.hard_negatives and epoch == settings.mine_after + 1:
                state.hard = mine_hard_negatives(regions, head, most=len(background) + len(positive))
            # The order of an epoch is a function of (seed, epoch), so that resuming changes nothing.
            rng = np.random.default_rng([settings.seed, epoch])
            torch.manual_seed(settings.seed * 1_000_003 + epoch)
            steps = draw_steps(positive, background, state.hard, settings, rng)
            loss, box_loss = _train_epoch(
                regions, head, optimizer, steps, settings, class_weights, epoch, on_step
            )
            row: Row = {
                "epoch": epoch,
                "train_loss": loss,
                "train_box_loss": box_loss,
                "val_ap50": validate(head) if validate else float("nan"),
                "hard_negatives": len(state.hard),
                "lr": optimizer.param_groups[0]["lr"],
                "seconds": time.perf_counter() - began,
            }
            state.epoch = epoch
            state.history.append(row)
            if history is not None:
                write_csv(history, HISTORY_COLUMNS, state.history)
            if checkpoint is not None:
                save_checkpoint(checkpoint, head, optimizer, state)
            on_epoch(row)
    head.eval()
    return state


def draw_steps(
    positive: NDArray[np.int64],
    background: NDArray[np.int64],
    hard: NDArray[np.int64],
    settings: DetectionSettings,
    rng: np.random.Generator,
) -> list[NDArray[np.int64]]:
    """The regions of every step of an epoch: a share of positives, the rest background, half of it hard."""
    each = max(settings.batch_size // (1 + settings.background_ratio), 1)
    steps = math.ceil(len(positive) / each)
    shown = np.array_split(rng.permutation(positive), steps)
    wanted = steps * each * settings.background_ratio
    from_hard = wanted // 2 if len(hard) else 0
    others = np.concatenate([_cycle(hard, from_hard, rng), _cycle(background, wanted - from_hard, rng)])
    return [
        np.concatenate(pair)
        for pair in zip(shown, np.array_split(rng.permutation(others), steps), strict=True)
    ]


def _cycle(numbers: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """``count`` of ``numbers`` in random order; all of them before any comes again."""
    rounds = [rng.permutation(numbers) for _ in range(math.ceil(count / max(len(numbers), 1)))]
    return np.concatenate([np.empty(0, np.int64), *rounds])[:count]


def _train_epoch(
    regions: RegionSet,
    head: DetectionHead,
    optimizer: torch.optim.Optimizer,
    steps: list[NDArray[np.int64]],
    settings: DetectionSettings,
    class_weights: Tensor | None,
    epoch: int,
    on_step: Callable[[int, int, int, float], None],
) -> tuple[float, float]:
    """One epoch: mean classification loss and mean box loss."""
    head.train()
    losses, box_losses = [], []
    for first in range(0, len(steps), FETCHED_STEPS):
        chunk = steps[first : first + FETCHED_STEPS]
        fetched = regions.fetch(np.concatenate(chunk))
        at = 0
        for offset, numbers in enumerate(chunk):
            progress = (epoch - 1 + (first + offset) / len(steps)) / settings.epochs
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * 0.5 * (1 + math.cos(math.pi * progress))
            features = fetched[at : at + len(numbers)]
            at += len(numbers)
            logits, deltas = head(features)
            labels = torch.from_numpy(regions.labels[numbers]).clamp(min=BACKGROUND)
            loss = nn.functional.cross_entropy(logits, labels, weight=class_weights)
            box_loss = _box_loss(deltas, regions, numbers)
            total = loss + box_loss + settings.decay * _squared_weights(head)
            if not math.isfinite(float(total.detach())):
                raise NetlabError(
                    f"the loss became {float(total.detach())} in epoch {epoch}:"
                    f" try a smaller --lr (it was {settings.lr:g})"
                )
            optimizer.zero_grad(set_to_none=True)
            total.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
            box_losses.append(float(box_loss.detach()))
            on_step(epoch, first + offset + 1, len(steps), losses[-1])
    return float(np.mean(losses)), float(np.mean(box_losses))


def _box_loss(deltas: Tensor, regions: RegionSet, numbers: NDArray[np.int64]) -> Tensor:
    """Half the mean squared error of the deltas of each close region's class; 0 without one."""
    classes = torch.from_numpy(regions.regressed[numbers])
    close = classes.nonzero()[:, 0]
    if len(close) == 0:
        return deltas.sum() * 0.0
    predicted = deltas[close, classes[close] - 1]
    return 0.5 * nn.functional.mse_loss(predicted, torch.from_numpy(regions.targets[numbers])[close])


def _squared_weights(head: DetectionHead) -> Tensor:
    return torch.stack(
        [weight.square().sum() for name, weight in head.named_parameters() if "weight" in name]
    ).sum()


def mine_hard_negatives(regions: RegionSet, head: DetectionHead, *, most: int) -> NDArray[np.int64]:
    """Background regions that the head takes for some class with probability .1 or more, at most ``most``."""
    head.eval()
    numbers, chances = [], []
    with torch.inference_mode():
        for block in regions.blocks():
            candidates = block[regions.candidates[block]]
            logits, _ = head(regions.fetch(candidates))
            chance = 1.0 - logits.softmax(1)[:, BACKGROUND].numpy()
            hard = chance >= HARDEST_SHARE
            numbers.append(candidates[hard])
            chances.append(chance[hard])
    found, chance = np.concatenate(numbers), np.concatenate(chances)
    return np.sort(found[np.argsort(-chance, kind="stable")[:most]])


def inverse_frequency_weights(labels: NDArray[np.int64], class_names: list[str]) -> dict[str, float]:
    """Weights by class name, ``background`` included: regions / (classes x regions of the class)."""
    counts = np.bincount(labels[labels >= BACKGROUND], minlength=len(class_names) + 1)
    total, kinds = counts.sum(), len(counts)
    return {
        name: float(total / (kinds * max(count, 1)))
        for name, count in zip(["background", *class_names], counts.tolist(), strict=True)
    }


def save_checkpoint(
    path: Path, head: DetectionHead, optimizer: torch.optim.Optimizer, state: TrainingState
) -> None:
    """Head, optimizer, hard negatives and history in one safetensors file, atomically."""
    tensors = {f"head.{name}": value.contiguous() for name, value in head.state_dict().items()}
    names = {id(parameter): name for name, parameter in head.named_parameters()}
    for parameter, values in optimizer.state.items():
        tensors |= {f"optimizer.{key}.{names[id(parameter)]}": value for key, value in values.items()}
    tensors["hard"] = torch.from_numpy(state.hard)
    metadata = {"format": CHECKPOINT_FORMAT, "epoch": str(state.epoch), "history": json.dumps(state.history)}
    content = safetensors.torch.save(tensors, metadata)
    write_atomically(path, lambda file: file.write(content))


def load_checkpoint(path: Path, head: DetectionHead, optimizer: torch.optim.Optimizer) -> TrainingState:
    """Fill ``head`` and ``optimizer`` from a checkpoint.

    Raises:
        NetlabError: it is damaged or does not fit.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata: Mapping[str, Any] = file.metadata() or {}
            if metadata.get("format") != CHECKPOINT_FORMAT:
                raise NetlabError(f"{path} is not a checkpoint of netlab detect")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        head.load_state_dict(
            {k.removeprefix("head."): v for k, v in tensors.items() if k.startswith("head.")}
        )
        for name, parameter in head.named_parameters():
            optimizer.state[parameter] = {
                key.split(".")[1]: value
                for key, value in tensors.items()
                if key.startswith("optimizer.") and key.split(".", 2)[2] == name
            }
        return TrainingState(int(metadata["epoch"]), tensors["hard"].numpy(), json.loads(metadata["history"]))
    except (safetensors.SafetensorError, KeyError, ValueError, OSError, RuntimeError) as error:
        raise NetlabError(f"{path} is damaged or of another head; delete the run to start again") from error
