"""From chosen parts and settings to a finished run: what ``netlab run`` and ``netlab sweep`` do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from netlab.classification.agreement import check_agreement
from netlab.classification.assembly import Assembly, Tables, choose_components, complete, options_in, table_of
from netlab.classification.interface import Interface, interface_of
from netlab.classification.optimization import optimization_of
from netlab.classification.outcome import result_of
from netlab.classification.pretraining import fit_to_weights
from netlab.classification.restore import build_network, normalization_for
from netlab.classification.settings import RESUMABLE, split_rule
from netlab.classification.task import ClassifierTask, Setup, out_of_patience
from netlab.data.cache import default_cache_folder
from netlab.data.load import data_digest, load_data
from netlab.data.split import Splits, split_data
from netlab.engine.catalog import Catalog, Part
from netlab.engine.hook_settings import HookSettings, hook_settings
from netlab.errors import UsageError
from netlab.kinds import KINDS
from netlab.kinds.dataset import ImageData
from netlab.kinds.recipe import DataFacts
from netlab.network import check_early_size, count_parameters, initialize_from_images
from netlab.pretrained import PretrainedNetwork
from netlab.runs.config import NAMING_KINDS, Config, default_name, make_config
from netlab.runs.curves import plot_history
from netlab.runs.directory import RunDirectory, check_name
from netlab.runs.environment import describe_environment
from netlab.training.device import choose_device, choose_precision
from netlab.training.loop import train
from netlab.training.ranks import ALONE, Ranks
from netlab.training.reporter import Reporter, Silent
from netlab.training.resume import USUAL, Continuation, ResumeRules
from netlab.training.session import FinishedRun, TrainingSession

SEEN_AT_FIRST = 5_000  # training images that a network's first weights may come from


@dataclass(frozen=True, slots=True)
class Experiment:
    """A run, resolved and ready: nothing has been written yet. ``expected_size`` is the side in pixels of the
    images that pretrained weights expect."""

    run: RunDirectory
    config: Config
    data: ImageData
    setup: Setup
    hook_settings: HookSettings
    expected_size: int | None = None

    @property
    def interface(self) -> Interface:
        """What the network takes and gives."""
        return interface_of(self.data, self.setup.normalization, views=self.setup.settings.views_in_use)

    def describe(self) -> str:
        """What is about to be trained, in two lines."""
        setup = self.setup
        tables = (KINDS[kind].selector for kind in NAMING_KINDS)
        parts = ", ".join(f"{table} {part_name(self.config[table])}" for table in tables)
        images = f"{len(setup.splits.train):,} training, {len(setup.splits.val):,} validation"
        device = f"{setup.device}, {setup.precision}"
        if setup.ranks.world > 1:
            device = f"{setup.ranks.world} processes, {setup.device.type}, {setup.precision}"
        start = f"\n{described_start(setup)}" if isinstance(setup.network, PretrainedNetwork) else ""
        return f"{parts}\n{images}, {len(setup.splits.test):,} test images; {device}{start}"


def part_name(table: Mapping[str, Any]) -> str:
    """A part's name in a configuration, with its variant."""
    return f"{table['name']}:{table['variant']}" if "variant" in table else str(table["name"])


def described_start(setup: Setup) -> str:
    """From which weights a network starts, and what of it learns."""
    assert isinstance(setup.network, PretrainedNetwork)
    settings = setup.settings
    learns = {"head": "the head", "all": "all layers"}.get(settings.train)
    if learns is None:
        learns = f"the head and the last {settings.train.removeprefix('blocks:')} layers"
    first = min(settings.head_epochs, settings.epochs)
    alone = f"the head for {first} epochs, then " if first and settings.train != "head" else ""
    return f"weights: {setup.network.weights}; learns {alone}{learns}"


def test_notes(experiment: Experiment) -> list[str]:
    """One line where netlab has set images aside for testing."""
    data, settings = experiment.data, experiment.setup.settings
    if settings.folds:
        return [f"fold {settings.fold} of {settings.folds} (from 0) is tested on"]
    if data.test_groups is None:
        return []
    tested = len(data.test)
    return [
        f"no test/ folder: {tested:,} of {tested + len(data.train):,} images are kept for testing, a share of"
        " each class (--data.test, --data.test-seed)"
    ]


def size_notes(experiment: Experiment) -> list[str]:
    """One line where images are much smaller than the weights expect."""
    size, expected = min(experiment.data.train.images.shape[2:]), experiment.expected_size
    if expected is None or size >= expected / 2:
        return []
    return [f"images are {size} pixels wide, the weights expect {expected}: larger ones would be told better"]


def prepare(
    catalog: Catalog,
    given: Tables,
    *,
    runs: Path,
    name: str | None,
    data_dir: Path,
    offline: bool,
    device: str,
    ranks: Ranks = ALONE,
) -> Experiment:
    """Load the data, resolve the settings and assemble the network.

    ``given`` are tables as in ``config.toml``; what they lack comes from the recipe and from defaults. Of
    several ``ranks``, each has its own device, and one a machine loads the data before the others do.

    Raises:
        UsageError: whatever does not fit, in one line.
    """
    if name is not None:
        check_name(name)
    settings_of_hooks = hook_settings(catalog.manager, given.get("plugins", {}))
    chosen_device = ranks.device if ranks.world > 1 else choose_device(device)
    fitted = fit_to_weights(catalog, given, offline=offline)
    dataset = dataset_of(catalog, fitted.tables)
    data = ranks.first_on_machine(
        lambda: load_data(dataset.component, dataset.options, root=data_dir, offline=offline)
    )
    assembly, splits, config = resolve(catalog, fitted.tables, data)
    settings = assembly.settings
    if (batch := min(settings.batch_size, len(splits.train))) < ranks.world:
        raise UsageError(
            f"{ranks.world} processes can not share a batch of {batch}:"
            " start fewer, or give a larger --batch-size"
        )
    name = default_name(config, assembly.all, RESUMABLE) if name is None else name
    config = {"run": {"name": name, "data_dir": str(data_dir.absolute())}, **config}
    config |= settings_of_hooks.record()
    network = build_network(assembly.parts, data, seed=settings.seed, pretrained=fitted.pretrained)
    normalization = normalization_for(settings.normalize, splits, fitted.pretrained)
    images = normalization(splits.train.images[:SEEN_AT_FIRST])
    check_early_size(network, images[:2], settings.early_size)
    initialize_from_images(network, images, assembly.parts["backbone"].component)
    setup = Setup(
        network=network,
        splits=splits,
        classes=len(data.class_names),
        normalization=normalization,
        assembly=assembly,
        device=chosen_device,
        precision=choose_precision(settings.precision, chosen_device),
        ranks=ranks,
        cache=default_cache_folder() / "frozen",
    )
    expected_size = fitted.pretrained.preprocessing.size if fitted.pretrained else None
    return Experiment(RunDirectory(runs / name), config, data, setup, settings_of_hooks, expected_size)


def dataset_of(catalog: Catalog, given: Tables) -> Part:
    """The data set that the tables name, with its options, before anything else is known."""
    component = choose_components(catalog, given).components["dataset"]
    return Part(component, component.make_options(options_in(table_of(given, "data"))))


def resolve(catalog: Catalog, given: Tables, data: ImageData) -> tuple[Assembly, Splits, Config]:
    """All parts and settings, fitted to the data, the data as it is split, and the configuration without
    ``[run]``.

    Raises:
        UsageError: an unknown key, a value out of range, or one that does not fit the data.
    """
    splits = split_data(data, split_rule(given.get("training", {})))
    height, width = data.train.images.shape[-2:]
    pretrained = given.get("training", {}).get("weights", "none") != "none"
    facts = DataFacts(len(splits.train), (height, width), len(data.class_names), pretrained)
    assembly = complete(catalog, given, facts, data.augmentations)
    config = make_config(assembly.parts, assembly.chains, assembly.settings.model_dump(mode="json"), catalog)
    return assembly, splits, config


def train_classifier(
    catalog: Catalog,
    given: Tables,
    *,
    runs: Path,
    name: str | None = None,
    data_dir: Path = Path("data"),
    offline: bool = False,
    device: str = "auto",
    ranks: Ranks = ALONE,
    reporter: Reporter = Silent(),
    rules: ResumeRules = USUAL,
) -> FinishedRun:
    """Prepare an experiment and run it: see ``prepare`` and ``run_experiment``."""
    experiment = prepare(
        catalog,
        given,
        runs=runs,
        name=name,
        data_dir=data_dir,
        offline=offline,
        device=device,
        ranks=ranks,
    )
    return run_experiment(experiment, catalog, reporter, rules)


def run_experiment(
    experiment: Experiment, catalog: Catalog, reporter: Reporter, rules: ResumeRules = USUAL
) -> FinishedRun:
    """Train (or resume), test, and complete the run directory.

    Of several processes, the first does all this and the others only train with it.

    Raises:
        UsageError: the run is finished, held by another process, or was begun with other settings.
        NetlabError: the processes do not see the same settings, data or checkpoint.
    """
    for line in experiment.data.problems:
        reporter.warn(line)
    reporter.describe(experiment.describe())
    for line in (*test_notes(experiment), *experiment.data.notes, *size_notes(experiment)):
        reporter.note(line)
    setup, run = experiment.setup, experiment.run
    parameters, environment = count_parameters(setup.network), environment_of(experiment)
    optimization = optimization_of(setup.assembly)
    if not setup.ranks.is_first:
        check_agreement(setup, experiment.config, run, environment)
        task = ClassifierTask(setup)
        trained = train(task, optimization, run, Silent(), ranks=setup.ranks)
        return FinishedRun(
            run, result_of(trained, task.test(), setup, experiment.data.class_names, parameters)
        )
    continuation = Continuation(
        epochs=setup.settings.epochs,
        result="test_accuracy",
        changeable=RESUMABLE,
        is_over=lambda progress: out_of_patience(progress, setup.settings),
        rules=rules,
    )
    interface = {"interface.json": asdict(experiment.interface)}
    session = TrainingSession(
        run, experiment.config, environment, continuation, catalog, experiment.hook_settings, interface
    )
    agree = partial(check_agreement, setup, experiment.config, run, environment)
    with session.opened(reporter, agree=agree):
        task = ClassifierTask(setup)
        trained = train(task, optimization, run, reporter, ranks=setup.ranks, on_epoch=session.epoch_finished)
        test = task.test()
        plot_history(trained.history, run.plots, title=run.name, best_epoch=trained.progress.best_epoch)
        return session.finish(result_of(trained, test, setup, experiment.data.class_names, parameters))


def environment_of(experiment: Experiment) -> dict[str, Any]:
    """``environment.json`` of this session."""
    setup = experiment.setup
    return describe_environment(
        setup.assembly.all,
        device=setup.device,
        precision=setup.precision,
        world_size=setup.ranks.world,
        backend=setup.ranks.backend,
        # Whether batch norms see the whole batch; a process alone has nothing else.
        sync_bn=setup.ranks.sync_bn if setup.ranks.world > 1 else None,
        data_digest=data_digest(experiment.data),
        val_indices_digest=setup.splits.sha256,
        weights_digest=setup.network.weights_sha256 if isinstance(setup.network, PretrainedNetwork) else None,
    )
