"""The plan of a sweep: which runs, how far they are, and how long the rest will take."""

from __future__ import annotations

import contextlib
import heapq
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.classification.assembly import Assembly
from netlab.classification.experiment import dataset_of, resolve
from netlab.classification.pretraining import fit_to_weights
from netlab.classification.restore import build_network
from netlab.classification.timing import time_step
from netlab.comparison.assemblies import group_assemblies
from netlab.comparison.comparison import find_baseline
from netlab.data.load import load_data
from netlab.engine.catalog import Catalog, Part
from netlab.errors import NetlabError
from netlab.kinds.dataset import ImageData
from netlab.runs.config import Config, default_name
from netlab.runs.directory import RunDirectory
from netlab.runs.history import read_history
from netlab.runs.record import RunRecord
from netlab.sweep.grid import Candidate
from netlab.sweep.task import is_done
from netlab.threads import limited_threads
from netlab.training.device import choose_device, choose_precision

WORKER_STARTUP = 5.0  # seconds that a worker takes to import PyTorch
RUN_STARTUP = 0.5  # seconds that a run takes beside its epochs
EVALUATION_SHARE = 1 / 3  # of a training step's time, an image: a forward pass without the backward one


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run of a sweep. ``seconds`` is what is left of it, predicted; 0 when it is finished.

    ``problem`` says why the assembly can not be built; such a run is never started.
    """

    directory: RunDirectory
    config: Config
    epochs_done: int
    finished: bool
    seconds: float
    problem: str = ""

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def epochs(self) -> int:
        return int(self.config["training"]["epochs"])


def make_plan(
    catalog: Catalog,
    candidates: Sequence[Candidate],
    *,
    runs: Path,
    data_dir: Path,
    offline: bool,
    device: str,
    threads: int,
    baseline: str | None = None,
    timed: Callable[[int, int], None] = lambda done, total: None,
) -> list[PlannedRun]:
    """Resolve every candidate, drop those of the same configuration, and time a step of every assembly.

    ``threads`` are those that a worker will have. ``baseline`` is what the others will be compared to: it is
    looked for before anything is timed. ``timed`` is called with how many assemblies are timed.

    Raises:
        UsageError: an option out of range, a data set that is not there, no assembly or run that is called
            as the baseline.
    """
    data_of = DataCache(data_dir, offline)
    resolved: dict[str, tuple[Config, Assembly]] = {}
    for candidate in candidates:
        tables = fit_to_weights(catalog, candidate.given, offline=offline).tables
        data = data_of(dataset_of(catalog, tables))
        assembly, _, config = resolve(catalog, tables, data)
        resolved.setdefault(json.dumps(config, sort_keys=True, default=str), (config, assembly))

    configs = [config for config, _ in resolved.values()]
    if configs:
        records = [RunRecord(RunDirectory(runs / name_of(*found)), found[0]) for found in resolved.values()]
        find_baseline(group_assemblies(records), baseline)
    total = len({assembly_key(config) for config in configs})
    timings: dict[str, Timing] = {}
    planned = []
    for config, assembly in resolved.values():
        key = assembly_key(config)
        if key not in timings:
            timings[key] = time_assembly(assembly, data_of(assembly.parts["dataset"]), device, threads)
            timed(len(timings), total)
        planned.append(plan_run(config, assembly, timings[key], runs, data_dir))
    return planned


def name_of(config: Config, assembly: Assembly) -> str:
    """The name of a planned run.

    Every value counts for it, the number of epochs too: a run that was made longer later is another
    experiment than one that was planned so.
    """
    return default_name(config, assembly.all, frozenset())


def plan_run(config: Config, assembly: Assembly, timing: Timing, runs: Path, data_dir: Path) -> PlannedRun:
    """A run as it stands in the runs folder."""
    name = name_of(config, assembly)
    directory = RunDirectory(runs / name)
    finished = is_done(directory)
    done = 0
    if directory.exists and directory.last_checkpoint.exists():
        with contextlib.suppress(NetlabError):  # a damaged history is the run's own failure
            done = len(read_history(directory.history))
    epochs = int(config["training"]["epochs"])
    left = 0.0 if finished else RUN_STARTUP + timing.epoch_seconds * max(epochs - done, 0)
    config = {"run": {"name": name, "data_dir": str(data_dir)}, **config}
    return PlannedRun(directory, config, done, finished, left, "" if finished else timing.problem)


def predict_seconds(runs: Sequence[PlannedRun], workers: int) -> float:
    """Wall-clock seconds of the runs that are left, given out in their order to ``workers``."""
    free_at = [WORKER_STARTUP] * max(workers, 1)
    for run in runs:
        if not run.problem:
            heapq.heapreplace(free_at, free_at[0] + run.seconds)
    return max(free_at)


class DataCache:
    """Data sets by name and options, each loaded once."""

    def __init__(self, root: Path, offline: bool) -> None:
        self._root, self._offline = root, offline
        self._loaded: dict[str, ImageData] = {}

    def __call__(self, dataset: Part) -> ImageData:
        key = f"{dataset.component.supplier} {dataset.options!r}"
        if key not in self._loaded:
            self._loaded[key] = load_data(
                dataset.component, dataset.options, root=self._root, offline=self._offline
            )
        return self._loaded[key]


def assembly_key(config: Mapping[str, Any]) -> str:
    """The configuration without its seed and fold, as text."""
    training = {key: value for key, value in config["training"].items() if key not in ("seed", "fold")}
    return json.dumps({**config, "training": training}, sort_keys=True, default=str)


@dataclass(frozen=True, slots=True)
class Timing:
    """Predicted seconds of one epoch, or why the assembly can not be built."""

    epoch_seconds: float
    problem: str = ""


def time_assembly(assembly: Assembly, data: ImageData, device: str, threads: int) -> Timing:
    """Time one training step of an assembly, with the threads of a worker."""
    chosen, settings = choose_device(device), assembly.settings
    held_out = 0 if data.val is not None else round(settings.validation * len(data.train))
    training = len(data.train) - held_out
    validation = held_out if data.val is None else len(data.val)
    batch = min(settings.batch_size, training)
    try:
        network = build_network(assembly.parts, data, seed=settings.seed)
        with limited_threads(threads):
            step = time_step(
                network,
                assembly,
                image_shape=tuple(data.train.images.shape[1:]),
                classes=len(data.class_names),
                batch=batch,
                device=chosen,
                precision=choose_precision(settings.precision, chosen),
            )
    except NetlabError as error:
        return Timing(0.0, str(error))
    steps = max(training // batch, 1)
    return Timing(step * (steps + EVALUATION_SHARE * validation / batch))
