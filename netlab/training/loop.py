"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from netlab.data.augment import Augmentation
from netlab.data.batches import TrainingBatches, epoch_seed, evaluation_batches
from netlab.data.normalize import Normalization
from netlab.data.split import Splits
from netlab.errors import NetlabError
from netlab.kinds.dataset import LabelledImages
from netlab.runs.directory import RunDirectory
from netlab.runs.history import read_history, write_history
from netlab.training.checkpoint import (
    Progress,
    load_checkpoint,
    load_weights,
    read_progress,
    save_checkpoint,
    save_weights,
)
from netlab.training.elu import use_blockwise_elu
from netlab.training.evaluate import Evaluation, evaluate
from netlab.training.ranks import ALONE, Ranks
from netlab.training.reporter import Reporter
from netlab.training.schedule import learning_rate
from netlab.training.settings import TrainingSettings

EVALUATION_BATCH = 256
NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that a training run needs, resolved. ``precision`` is ``bf16`` or ``fp32``; ``ranks``
    are the processes that train together."""

    network: nn.Module
    splits: Splits
    classes: int
    normalization: Normalization
    settings: TrainingSettings
    device: torch.device
    precision: str
    ranks: Ranks = ALONE


@dataclass(frozen=True, slots=True)
class Trained:
    """How a run ended. ``seconds`` and ``images`` count training epochs, of earlier sessions too."""

    progress: Progress
    history: list[dict[str, float]]
    test: Evaluation
    stopped_early: bool


def train(
    setup: Setup,
    run: RunDirectory,
    reporter: Reporter,
    on_epoch: Callable[[int, Mapping[str, float]], None] = lambda epoch, row: None,
) -> Trained:
    """Train until the last epoch, continuing from the run's last checkpoint if it has one.

    After every epoch the history, the best weights and the checkpoint are written, in this order: a
    run killed in between finds a checkpoint that is older than the rest, and makes the same epoch
    again. The test set is touched once, at the end, with the best weights.

    Of several processes only the first writes; all of them see the same losses and accuracies, and so
    take the same decisions.

    Raises:
        NetlabError: the loss is not finite (the last good checkpoint stays), or a checkpoint is damaged.
    """
    settings, device, ranks = setup.settings, setup.device, setup.ranks
    if settings.deterministic and device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    torch.use_deterministic_algorithms(settings.deterministic)
    network = setup.network.to(device)
    if settings.channels_last:
        network = network.to(memory_format=torch.channels_last)
    if setup.precision == "bf16" and device.type == "cpu" and not settings.compile:
        use_blockwise_elu(network)
    network = ranks.synchronize_norms(network)
    optimizer = make_optimizer(network, settings)

    progress, history = Progress(), []
    if run.last_checkpoint.exists():
        progress = load_checkpoint(run.last_checkpoint, network, optimizer)
        best = read_progress(run.best_checkpoint)
        if best.epoch > progress.epoch:
            # Killed after it had written the best weights of an epoch that the checkpoint lacks: the epoch
            # is made again, perhaps rounded otherwise, and these weights are the ones to beat.
            progress = replace(best, epoch=progress.epoch)
        history = history_until(run, progress.epoch)
    parallel = ranks.parallel(network)
    forward: Callable[[Tensor], Tensor] = torch.compile(parallel) if settings.compile else parallel

    batch_size = min(settings.batch_size, len(setup.splits.train))
    batches = TrainingBatches(
        on_device(setup.splits.train, device),
        setup.normalization,
        augmentation_of(settings),
        batch_size,
        settings.seed,
        ranks.share(batch_size),
    )
    val = on_device(setup.splits.val, device)
    reporter.started(
        first_epoch=progress.epoch + 1,
        epochs=settings.epochs,
        steps_per_epoch=len(batches),
        batch_size=batches.batch_size,
    )
    while progress.epoch < settings.epochs and not out_of_patience(progress, settings):
        epoch = progress.epoch + 1
        began = time.perf_counter()
        train_loss, train_accuracy = train_epoch(forward, network, optimizer, batches, epoch, setup, reporter)
        seconds = time.perf_counter() - began
        ranks.share_buffers(network)
        validation = evaluate_on(val, network, setup)
        if not math.isfinite(validation.loss):
            raise NetlabError(
                f"the validation loss became {validation.loss} after epoch {epoch}; {kept_checkpoint(epoch)}."
                f" Try a smaller --lr (it was {settings.lr:g})"
            )
        row = {
            "epoch": epoch,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "val_loss": validation.loss,
            "val_accuracy": validation.accuracy,
            "lr": optimizer.param_groups[0]["lr"],
            "images_per_second": len(batches) * batches.batch_size / seconds,
            "seconds": time.perf_counter() - began,
        }
        history.append(row)
        is_best = progress.improved_by(validation.accuracy, validation.loss)
        progress = replace(progress, epoch=epoch)
        if is_best:
            progress = Progress(epoch, epoch, validation.accuracy, validation.loss)
        if ranks.is_first:
            if is_best:
                save_weights(run.best_checkpoint, network, progress)
            write_history(run.history, history)
            save_checkpoint(run.last_checkpoint, network, optimizer, progress)
        reporter.epoch(row, is_best=is_best)
        on_epoch(epoch, row)

    ranks.wait()  # until the best weights are written
    load_weights(run.best_checkpoint, network)
    test = evaluate_on(on_device(setup.splits.test, device), network, setup)
    if not math.isfinite(test.loss):
        raise NetlabError(
            f"the loss on the test images is {test.loss}: the network gives no finite logits for them"
        )
    return Trained(progress, history, test, stopped_early=progress.epoch < settings.epochs)


def train_epoch(
    forward: Callable[[Tensor], Tensor],
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: TrainingBatches,
    epoch: int,
    setup: Setup,
    reporter: Reporter,
) -> tuple[float, float]:
    """One pass over the training images: mean cross-entropy and accuracy, as seen while training."""
    settings, ranks = setup.settings, setup.ranks
    network.train()
    # Dropout and the like of a plugin's layers: as the order, a function of (seed, epoch), and each rank's
    # own, for it has other images.
    torch.manual_seed(epoch_seed(settings.seed + 1, epoch) + ranks.rank)
    loss_sum, correct, count = 0.0, 0.0, 0
    for position, (images, labels) in enumerate(batches.epoch(epoch)):
        step = (epoch - 1) * len(batches) + position
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, step, len(batches))
        with torch.autocast(images.device.type, torch.bfloat16, enabled=setup.precision == "bf16"):
            logits = forward(images)
        logits = logits.float()
        loss = nn.functional.cross_entropy(
            logits, labels, reduction="sum", label_smoothing=settings.label_smoothing
        )
        # Ranks' gradients are averaged, and the average is to be that of the whole batch's mean loss,
        # also where the ranks have shares of different sizes.
        loss = loss * (ranks.world / batches.batch_size)
        # The recorded loss has no label smoothing, so that it compares with the validation loss.
        plain = nn.functional.cross_entropy(logits.detach(), labels, reduction="sum")
        right = (logits.argmax(1) == labels).sum()
        sums = ranks.sum(torch.stack([loss.detach().double() / ranks.world, plain.double(), right.double()]))
        loss_value, plain_sum, right_count = sums.tolist()
        if not math.isfinite(loss_value):
            raise NetlabError(
                f"the loss became {loss_value} at epoch {epoch}, step {position + 1};"
                f" {kept_checkpoint(epoch)}. Try a smaller --lr (it was {settings.lr:g})"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if settings.clip:
            # Without batch normalization, the peak rate of the recipe 'fast' diverges without it.
            nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        optimizer.step()
        loss_sum += plain_sum
        correct += right_count
        count += batches.batch_size
        reporter.step(epoch=epoch, step=position + 1, loss=plain_sum / batches.batch_size)
    return loss_sum / count, correct / count


def evaluate_on(data: LabelledImages, network: nn.Module, setup: Setup) -> Evaluation:
    """Evaluate the network on images; every rank takes its share of the batches."""
    batches = evaluation_batches(
        data, setup.normalization, EVALUATION_BATCH, first=setup.ranks.rank, every=setup.ranks.world
    )
    return evaluate(network, batches, classes=setup.classes, precision=setup.precision, ranks=setup.ranks)


def kept_checkpoint(epoch: int) -> str:
    """Which checkpoint is left when ``epoch`` failed."""
    return f"the checkpoint of epoch {epoch - 1} is kept" if epoch > 1 else "there is no checkpoint yet"


def history_until(run: RunDirectory, epoch: int) -> list[dict[str, float]]:
    """The rows of the epochs that the checkpoint has made; later ones are made again.

    Raises:
        NetlabError: a row is missing.
    """
    rows = [row for row in read_history(run.history) if row["epoch"] <= epoch]
    if [row["epoch"] for row in rows] != list(range(1, epoch + 1)):
        raise NetlabError(
            f"{run.history} does not have one row for each of the {epoch} epochs of the checkpoint;"
            " delete the run directory to start again"
        )
    return rows


def make_optimizer(network: nn.Module, settings: TrainingSettings) -> torch.optim.SGD:
    """SGD; weight decay only on weights of convolutions and dense layers, not on biases and norms."""
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for module in network.modules():
        for parameter in module.parameters(recurse=False):
            kept_free = parameter.ndim <= 1 or isinstance(module, NORMS)
            (plain if kept_free else decayed).append(parameter)
    return torch.optim.SGD(
        [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=settings.lr,
        momentum=settings.momentum,
        nesterov=settings.nesterov and settings.momentum > 0,
    )


def augmentation_of(settings: TrainingSettings) -> Augmentation:
    """The augmentation that the settings ask for."""
    return Augmentation(
        horizontal_flip=settings.hflip,
        vertical_flip=settings.vflip,
        translation=settings.translation,
        rotation=settings.rotation,
    )


def out_of_patience(progress: Progress, settings: TrainingSettings) -> bool:
    """Whether the validation has not improved for ``patience`` epochs."""
    return settings.patience > 0 and progress.epoch - progress.best_epoch >= settings.patience


def on_device(data: LabelledImages, device: torch.device) -> LabelledImages:
    """The images on the device, still uint8."""
    return LabelledImages(data.images.to(device), data.labels.to(device))
