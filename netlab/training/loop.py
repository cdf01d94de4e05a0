"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import functools
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from netlab.data.batches import epoch_seed
from netlab.errors import NetlabError
from netlab.kinds.callback import Training
from netlab.runs.directory import RunDirectory
from netlab.runs.history import history_text, read_history
from netlab.training.callbacks import Callbacks
from netlab.training.checkpoint import (
    Progress,
    checkpoint_content,
    load_checkpoint,
    load_weights,
    read_progress,
    weights_content,
    with_prefix,
)
from netlab.training.optimization import Optimization
from netlab.training.ranks import ALONE, Ranks
from netlab.training.reporter import Reporter, Silent
from netlab.training.task import StepLoss, Task

TASK, CALLBACKS = "task.", "callbacks."  # whose state it is, in a checkpoint

EpochListener = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """How training ended, with the history of all its epochs, of earlier sessions too."""

    progress: Progress
    history: list[dict[str, float]]
    stopped_early: bool


def train(
    task: Task,
    optimization: Optimization,
    run: RunDirectory | None = None,
    reporter: Reporter = Silent(),
    *,
    ranks: Ranks = ALONE,
    on_epoch: EpochListener = lambda epoch, row: None,
) -> Trained:  # long: the order of writing and deciding is read in one place
    """Train until the last epoch, continuing from the run's last checkpoint if it has one.

    After every epoch the history, the best weights and the checkpoint are written, in this order: a
    run killed in between finds a checkpoint that is older than the rest, and makes the same epoch
    again. At the end the network has the best weights, if the task has a score, else the last. Without
    ``run`` nothing is written, and the last weights stay.

    Of several processes only the first writes; all of them see the same figures, and so take the same
    decisions.

    Raises:
        NetlabError: the loss is not finite (the last good checkpoint stays), or a checkpoint is damaged.
    """
    if optimization.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    torch.use_deterministic_algorithms(optimization.deterministic)
    network = task.network
    optimizer = optimization.make_optimizer(network)
    progress, callbacks, history = begin(task, optimization, optimizer, run, ranks)
    columns = (*task.columns, *callbacks.columns)
    forward: Callable[..., Any] = ranks.parallel(network)
    if optimization.compile:
        forward = torch.compile(forward)

    reporter.started(
        first_epoch=progress.epoch + 1,
        epochs=optimization.epochs,
        steps_per_epoch=task.steps_per_epoch,
        batch_size=task.batch_size,
        unit=task.unit,
    )
    while progress.epoch < optimization.epochs and not task.is_over(progress):
        epoch = progress.epoch + 1
        began = time.perf_counter()
        figures = train_epoch(forward, task, optimization, optimizer, callbacks, epoch, reporter, ranks)
        training_seconds = time.perf_counter() - began
        ranks.share_buffers(network)
        best = None
        with callbacks.evaluation():
            row = {"epoch": epoch, **figures, **task.measure(epoch, training_seconds)}
            score = task.score(row)
            is_best = progress.improved_by(score)
            progress = replace(progress, epoch=epoch)
            if is_best and score is not None:
                progress = Progress(epoch, epoch, score)
                if run is not None and ranks.is_first:
                    best = weights_content(network, progress)
        row |= callbacks.epoch_finished(epoch)
        row["lr"] = optimizer.param_groups[0]["lr"]
        row["seconds"] = time.perf_counter() - began
        row = {column: row[column] for column in columns}
        history.append(row)
        if run is not None and ranks.is_first:
            state = prefixed({TASK: task.state(), CALLBACKS: callbacks.state()})
            last = checkpoint_content(network, optimizer, state, progress)
            run.write_epoch(best, history_text(history, columns), last)
        reporter.epoch(row, is_best=is_best)
        on_epoch(epoch, row)

    if run is not None and progress.best_epoch:
        ranks.wait()  # until the best weights are written
        load_weights(run.best_checkpoint, network)
    return Trained(progress, history, stopped_early=progress.epoch < optimization.epochs)


def train_epoch(
    forward: Callable[..., Any],
    task: Task,
    optimization: Optimization,
    optimizer: torch.optim.Optimizer,
    callbacks: Callbacks,
    epoch: int,
    reporter: Reporter,
    ranks: Ranks,
) -> dict[str, float]:
    """One pass over the task's batches; gives the figures of its steps, as seen while training."""
    batches = task.batches(epoch)
    task.network.train()
    # Dropout and the like of a plugin's layers: as the order, a function of (seed, epoch), and each rank's
    # own, for it has other examples.
    torch.manual_seed(epoch_seed(optimization.seed + 1, epoch) + ranks.rank)
    steps = optimization.epochs * task.steps_per_epoch
    sums: dict[str, float] = {}
    count = 0.0
    for position, batch in enumerate(batches):
        step = (epoch - 1) * task.steps_per_epoch + position
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * optimization.schedule(step, steps)
        found = task.loss(forward, batch)
        loss, step_count, figures = summed(found, ranks)
        if not math.isfinite(loss):
            raise NetlabError(
                f"the loss became {loss} at epoch {epoch}, step {position + 1}; {kept_checkpoint(epoch)}."
                f" Try a smaller --lr (it was {optimization.lr:g})"
            )
        optimizer.zero_grad(set_to_none=True)
        found.loss.backward()
        callbacks.gradients_ready(step, functools.partial(gradients_again, forward, task, optimizer, batch))
        if optimization.clip:
            # Without batch normalization, the peak rate of the recipe 'fast' diverges without it.
            nn.utils.clip_grad_norm_(task.network.parameters(), optimization.clip)
        optimizer.step()
        callbacks.step_finished(step)
        sums = {name: sums.get(name, 0.0) + value for name, value in figures.items()}
        count += step_count
        reporter.step(epoch=epoch, step=position + 1, loss=next(iter(figures.values())) / step_count)
    return {name: value / count for name, value in sums.items()}


def gradients_again(
    forward: Callable[..., Any], task: Task, optimizer: torch.optim.Optimizer, batch: Any
) -> None:
    """The gradients of a batch, at the present weights, in place of those that were there."""
    optimizer.zero_grad(set_to_none=True)
    task.loss(forward, batch).loss.backward()


def summed(found: StepLoss, ranks: Ranks) -> tuple[float, float, dict[str, float]]:
    """Loss, count and figures of the whole batch, from every process's share in one exchange."""
    loss = found.loss.detach().double()
    values = [loss / ranks.world, torch.full_like(loss, found.count)]
    values += [value.detach().double() for value in found.figures.values()]
    total_loss, count, *sums = ranks.sum(torch.stack(values)).tolist()
    return total_loss, count, dict(zip(found.figures, sums, strict=True))


def begin(
    task: Task,
    optimization: Optimization,
    optimizer: torch.optim.Optimizer,
    run: RunDirectory | None,
    ranks: Ranks,
) -> tuple[Progress, Callbacks, list[dict[str, float]]]:
    """Take up the run's last checkpoint if it has one; give progress, callbacks and history.

    Raises:
        NetlabError: a file of the run is damaged.
        PluginError: a callback does not keep to its contract.
    """
    progress, state = Progress(), None
    if run is not None and run.last_checkpoint.exists():
        progress, state = load_checkpoint(run.last_checkpoint, task.network, optimizer)
    training = Training(
        network=task.network,
        optimizer=optimizer,
        steps=optimization.epochs * task.steps_per_epoch,
        steps_per_epoch=task.steps_per_epoch,
        folder=run.path if run is not None and ranks.is_first else None,
    )
    callbacks = Callbacks(optimization.callbacks, training, task.columns)
    if run is None or state is None:
        return progress, callbacks, []
    try:
        task.load_state(with_prefix(state, TASK))
        callbacks.load_state(with_prefix(state, CALLBACKS))
    except (KeyError, ValueError) as error:
        raise NetlabError(
            f"{run.last_checkpoint} does not fit the run ({error}); delete the run directory to start again"
        ) from None
    if progress.best_epoch:
        best = read_progress(run.best_checkpoint)
        if best.epoch > progress.epoch:
            # Killed after it had written the best weights of an epoch that the checkpoint lacks: the epoch
            # is made again, perhaps rounded otherwise, and these weights are the ones to beat.
            progress = replace(best, epoch=progress.epoch)
    columns = (*task.columns, *callbacks.columns)
    return progress, callbacks, history_until(run, progress.epoch, columns)


def prefixed(states: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of all owners, each under its owner's prefix."""
    return {owner + name: value for owner, state in states.items() for name, value in state.items()}


def history_until(run: RunDirectory, epoch: int, columns: Sequence[str]) -> list[dict[str, float]]:
    """The rows of the epochs that the checkpoint has made; later ones are made again.

    Raises:
        NetlabError: a row is missing.
    """
    rows = [row for row in read_history(run.history, columns) if row["epoch"] <= epoch]
    if [row["epoch"] for row in rows] != list(range(1, epoch + 1)):
        raise NetlabError(
            f"{run.history} does not have one row for each of the {epoch} epochs of the checkpoint;"
            " delete the run directory to start again"
        )
    return rows


def kept_checkpoint(epoch: int) -> str:
    """Which checkpoint is left when ``epoch`` failed."""
    return f"the checkpoint of epoch {epoch - 1} is kept" if epoch > 1 else "there is no checkpoint yet"
