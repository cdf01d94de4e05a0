"""From chosen parts and settings to a finished run: what ``netlab run`` and ``netlab sweep`` do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from netlab.classification.interface import interface_of, write_interface
from netlab.classification.restore import build_network, normalization_for
from netlab.data.load import data_digest, load_data
from netlab.data.split import Splits, split_data
from netlab.engine.catalog import Catalog, Component
from netlab.errors import NetlabError, UsageError
from netlab.kinds.dataset import ImageData
from netlab.kinds.events import RunInfo
from netlab.network import Part, count_parameters
from netlab.runs.config import Config, default_name, make_config, to_toml
from netlab.runs.curves import plot_history
from netlab.runs.directory import RunDirectory
from netlab.runs.environment import describe_environment
from netlab.runs.files import write_json, write_text
from netlab.training.checkpoint import read_progress
from netlab.training.device import choose_device, choose_precision
from netlab.training.loop import Setup, Trained, train
from netlab.training.ranks import ALONE, Ranks
from netlab.training.reporter import Reporter, Silent
from netlab.training.resume import check_resumable, synchronized
from netlab.training.settings import RESUMABLE, TrainingSettings, resolve_settings, split_settings


@dataclass(frozen=True, slots=True)
class Experiment:
    """A run, resolved and ready: nothing has been written yet."""

    run: RunDirectory
    config: Config
    parts: dict[str, Part]
    data: ImageData
    setup: Setup


def prepare(
    catalog: Catalog,
    components: Mapping[str, Component],
    *,
    part_options: Mapping[str, Mapping[str, Any]],
    training_file: Mapping[str, Any],
    training_flags: Mapping[str, Any],
    runs: Path,
    name: str | None,
    data_dir: Path,
    offline: bool,
    device: str,
    ranks: Ranks = ALONE,
) -> Experiment:
    """Validate the options, load the data, resolve the settings and assemble the network.

    ``components`` and ``part_options`` are keyed by kind: dataset, backbone, block, norm. Of several
    ``ranks``, each has its own device, and one a machine loads the data before the others do.

    Raises:
        UsageError: whatever does not fit, in one line.
    """
    if name is not None:
        check_name(name)
    parts = {
        kind: Part(component, component.make_options(part_options[kind]))
        for kind, component in components.items()
    }
    chosen_device = ranks.device if ranks.world > 1 else choose_device(device)
    dataset = parts["dataset"]
    data = ranks.first_on_machine(
        lambda: load_data(dataset.component, dataset.options, root=data_dir, offline=offline)
    )
    settings, splits, config = resolve(catalog, parts, data, training_file, training_flags)
    if (batch := min(settings.batch_size, len(splits.train))) < ranks.world:
        raise UsageError(
            f"{ranks.world} processes can not share a batch of {batch}:"
            " start fewer, or give a larger --batch-size"
        )
    name = name or default_name(config, RESUMABLE)
    config = {"run": {"name": name, "data_dir": str(data_dir.absolute())}, **config}
    setup = Setup(
        network=build_network(parts, data, seed=settings.seed),
        splits=splits,
        classes=len(data.class_names),
        normalization=normalization_for(settings.normalize, splits),
        settings=settings,
        device=chosen_device,
        precision=choose_precision(settings.precision, chosen_device),
        ranks=ranks,
    )
    return Experiment(RunDirectory(runs / name), config, parts, data, setup)


def check_name(name: str) -> None:
    """Refuse what is no name of one folder.

    Raises:
        UsageError: saying what a name may be.
    """
    plain = name.isprintable() and not set(name) & set('/\\:*?"<>|') and not name.startswith((".", "-"))
    if not name.strip() or not plain or len(name.encode(errors="replace")) > 200:
        raise UsageError(
            f"--name {name!a}: a run's name is one folder's name, of at most 200 bytes,"
            " without / \\ : * ? \" < > | and not beginning with '.' or '-'"
        )


def resolve(
    catalog: Catalog,
    parts: dict[str, Part],
    data: ImageData,
    training_file: Mapping[str, Any],
    training_flags: Mapping[str, Any],
) -> tuple[TrainingSettings, Splits, Config]:
    """The settings, fitted to the data, the data as it is split, and the configuration without ``[run]``.

    Raises:
        UsageError: an unknown key, a value out of range, or one that does not fit the data.
    """
    validation, split_seed = split_settings(training_file, training_flags)
    splits = split_data(data, validation=validation, seed=split_seed)
    settings = resolve_settings(training_file, training_flags, data, len(splits.train))
    return settings, splits, make_config(parts, settings.model_dump(mode="json"), catalog)


def run_experiment(experiment: Experiment, catalog: Catalog, reporter: Reporter) -> dict[str, Any]:
    """Train (or resume), test, and complete the run directory. Gives what ``result.json`` holds.

    Of several processes, the first does all this and the others only train with it.

    Raises:
        UsageError: the run is finished, held by another process, or was begun with other settings.
        NetlabError: the processes do not see the same settings, data or checkpoint.
    """
    parameters = count_parameters(experiment.setup.network)
    if not experiment.setup.ranks.is_first:
        check_agreement(experiment)
        return result_of(train(experiment.setup, experiment.run, Silent()), experiment, parameters)
    run = experiment.run
    with run.locked():
        notes = check_resumable(run, experiment.config, experiment.data, experiment.setup)
        check_agreement(experiment)  # the others wait here for the check above
        run.create()
        run.result.unlink(missing_ok=True)  # there is more to do, and its checkpoint was read
        write_text(run.config, to_toml(experiment.config))
        write_json(run.environment, environment_of(experiment))
        write_interface(run, interface_of(experiment.data, experiment.setup.normalization))
        info = RunInfo(run.path, experiment.config)
        catalog.manager.call("netlab_run_started", run=info)
        for note in notes:
            reporter.note(note)

        def epoch_finished(epoch: int, row: Mapping[str, float]) -> None:
            catalog.manager.call("netlab_epoch_finished", run=info, epoch=epoch, values=row)

        trained = train(
            experiment.setup,
            run,
            reporter,
            on_epoch=epoch_finished,
        )
        plot_history(trained.history, run.plots, title=run.name, best_epoch=trained.progress.best_epoch)
        result = result_of(trained, experiment, parameters)
        write_json(run.result, result)
        catalog.manager.call("netlab_run_finished", run=info)
    return result


def check_agreement(experiment: Experiment) -> None:
    """Wait for all ranks, and see that they train the same network on the same data from the same epoch.

    Raises:
        NetlabError: naming what differs.
    """
    setup, last = experiment.setup, experiment.run.last_checkpoint
    if setup.ranks.world == 1:
        return
    config = {table: values for table, values in experiment.config.items() if table != "run"}
    differing = setup.ranks.differences(
        {
            "settings": to_toml(config),
            "data": data_digest(experiment.data),
            "kind of device": f"{setup.device.type} {setup.precision}",
            "--sync-bn": str(setup.ranks.sync_bn),
            "version of PyTorch": torch.__version__,
            "checkpoint": str(read_progress(last)) if last.exists() else "",
        }
    )
    if differing:
        raise NetlabError(
            f"the processes do not have the same {', '.join(differing)}: on several machines, the folders"
            " of runs and data must be shared, and the same netlab installed"
        )


def environment_of(experiment: Experiment) -> dict[str, Any]:
    """``environment.json`` of this session."""
    indices = experiment.setup.splits.val_indices
    return describe_environment(
        (part.component for part in experiment.parts.values()),
        device=experiment.setup.device,
        precision=experiment.setup.precision,
        world_size=experiment.setup.ranks.world,
        backend=experiment.setup.ranks.backend,
        sync_bn=synchronized(experiment.setup),
        data_digest=data_digest(experiment.data),
        val_indices_digest=hashlib.sha256(indices.numpy().tobytes()).hexdigest(),
    )


def result_of(trained: Trained, experiment: Experiment, parameters: int) -> dict[str, Any]:
    """``result.json``: the figures, the confusion matrix of the test set and the class names."""
    history = trained.history
    seconds = sum(row["seconds"] for row in history)
    training_seconds = sum(len(experiment.setup.splits.train) / row["images_per_second"] for row in history)
    return {
        "test_accuracy": trained.test.accuracy,
        "test_loss": trained.test.loss,
        "best_epoch": trained.progress.best_epoch,
        "best_val_accuracy": trained.progress.best_accuracy,
        "epochs": trained.progress.epoch,
        "stopped_early": trained.stopped_early,
        "parameters": parameters,
        "images_per_second": len(history) * len(experiment.setup.splits.train) / training_seconds,
        "seconds": seconds,
        "seconds_per_epoch": seconds / len(history),
        "class_names": list(experiment.data.class_names),
        "confusion": trained.test.confusion.tolist(),
    }
