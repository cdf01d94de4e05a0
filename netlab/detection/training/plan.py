"""How many epochs fit a budget of time: measured once, before the first, and then kept.

A training that looked at the clock as it went could not be repeated. So the time of a step is measured on a
copy of the network, the number of epochs follows, and is written into the run: a resumed run, and one that is
repeated with ``--epochs``, have the same steps and the same rates.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from netlab.errors import NetlabError
from netlab.runs.manifest import read_checked
from netlab.training.optimization import Optimization
from netlab.training.task import Task

TIMED_STEPS, FIRST_STEPS = 4, 2  # steps that are timed, after those in which memory is found
MEASURING_SHARE = 0.1  # of the time of training, at most, goes into measuring it
SAFETY = 0.95  # of what is left is planned: checkpoints and plots take a little too
NAME = "plan.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a run trains: ``epochs``, measured after every ``measured_every``-th and the last.

    ``budget`` are seconds, None where epochs were asked for; ``seconds_per_epoch`` is what the steps of one
    were expected to take.
    """

    epochs: int
    measured_every: int
    budget: float | None
    seconds_per_epoch: float | None

    def measures(self, epoch: int) -> bool:
        """Whether the network is measured after this epoch."""
        return epoch % self.measured_every == 0 or epoch == self.epochs

    def record(self) -> dict[str, float | int | None]:
        """What ``plan.json`` holds."""
        return asdict(self)


def read_plan(folder: Path) -> Plan | None:
    """The plan that a run was begun with, None of a new run.

    Raises:
        NetlabError: the file is damaged.
    """
    try:
        return Plan(**json.loads(read_checked(folder / NAME)))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise NetlabError(
            f"{folder / NAME} is damaged ({error}); delete the run directory to start again"
        ) from None


def seconds_spent(device: torch.device) -> float:
    """A clock: of a processor, the time of all threads since the process began; of a GPU, the wall's."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


def plan_of_budget(
    budget: float,
    began: float,
    task: Task,
    optimization: Optimization,
    detect: Callable[[], float],
    device: torch.device,
) -> Plan:
    """As many epochs as fit ``budget`` seconds since ``began``, with what follows them; one at least.

    ``detect`` finds objects in all validation images or some, and gives how often that would have to be done
    for all of them.
    """
    epoch = seconds_per_step(task, optimization, device) * task.steps_per_epoch
    before = seconds_spent(device)
    repeats = detect()
    measuring = (seconds_spent(device) - before) * repeats
    every = max(1, math.ceil(measuring / (MEASURING_SHARE * epoch)))
    left = SAFETY * (budget - (seconds_spent(device) - began) - measuring)
    epochs = max(1, math.floor(left / (epoch + measuring / every)))
    return Plan(epochs, min(every, epochs), budget, epoch)


def seconds_per_step(task: Task, optimization: Optimization, device: torch.device) -> float:
    """What a step takes, on a copy of the network that is thrown away."""
    network = copy.deepcopy(task.network).train()
    optimizer = optimization.make_optimizer(network)
    began = seconds_spent(device)
    made = 0
    for step, batch in enumerate(task.batches(0)):
        if step == FIRST_STEPS:
            began, made = seconds_spent(device), 0
        optimizer.zero_grad(set_to_none=True)
        task.loss(network, batch).loss.backward()
        optimizer.step()
        made += 1
        if step + 1 == FIRST_STEPS + TIMED_STEPS:
            break
    return (seconds_spent(device) - began) / made
