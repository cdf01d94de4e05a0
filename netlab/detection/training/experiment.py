"""From a data set and chosen parts to a finished detector: what ``netlab detect train`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from netlab.detection.data.split_file import split_digests, split_record
from netlab.detection.data.voc import DetectionData, read_voc
from netlab.detection.evaluation.evaluate import Validation, validate
from netlab.detection.evaluation.plots import plot_training
from netlab.detection.model.model_file import save_detector
from netlab.detection.training.choice import settings_of
from netlab.detection.training.fitted import Fitted
from netlab.detection.training.network_experiment import NetworkExperiment, prepare_network
from netlab.detection.training.network_settings import NetworkSettings
from netlab.detection.training.region_experiment import RegionExperiment, prepare_regions
from netlab.engine.catalog import Catalog, Part
from netlab.engine.hook_settings import hook_settings
from netlab.engine.option_errors import first_problem
from netlab.errors import UsageError
from netlab.runs.directory import check_name
from netlab.runs.environment import describe_environment
from netlab.training.device import choose_device
from netlab.training.reporter import Reporter
from netlab.training.resume import USUAL, Continuation, ResumeRules
from netlab.training.session import FinishedRun, TrainingSession

DetectorExperiment = RegionExperiment | NetworkExperiment
Settings = TypeVar("Settings", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class AnnotatedFolder:
    """A data set of annotated images: a folder in VOC layout, or flat.

    Only objects of ``classes`` count, if any are named. ``one_based`` says that corners count from 1 and
    belong to the box; ``validation`` is the share held out where ``ImageSets`` has no split.
    """

    path: Path
    classes: Sequence[str] = ()
    one_based: bool = False
    validation: float = 0.2


def prepare(
    parts: Mapping[str, Part],
    training: Mapping[str, Any],
    images: AnnotatedFolder,
    *,
    weights: str,
    runs: Path,
    name: str | None,
    cache: Path | None,
    device: str,
) -> DetectorExperiment:
    """Resolve the settings, read the data and build what is pretrained.

    ``parts`` are keyed by kind, those of ``choice.kinds_of``. ``training`` holds those values of the settings
    that were given. ``weights`` are the extractor's: imagenet, none or a file. ``cache`` is where proposals
    are kept between calls.

    Raises:
        UsageError: whatever does not fit, in one line.
    """
    if name is not None:
        check_name(name)
    settings = checked_settings(settings_of(parts["detector"].component), training)
    chosen = choose_device(device)
    data = read_voc(
        images.path,
        classes=images.classes,
        one_based=images.one_based,
        val_fraction=images.validation,
        seed=settings.seed,
    )
    if isinstance(settings, NetworkSettings):
        return prepare_network(
            parts, settings, data, images.path, weights=weights, runs=runs, name=name, device=chosen
        )
    return prepare_regions(
        parts, settings, data, images.path, weights=weights, runs=runs, name=name, cache=cache, device=chosen
    )


def checked_settings(model: type[Settings], values: Mapping[str, Any]) -> Settings:
    """The settings, or one line that names the flag."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        option, problem, value = first_problem(error, model)
        if not option:
            raise UsageError(problem) from None
        raise UsageError(f"--{option.replace('_', '-')}: {problem}, not {value!r}") from None


def describe(experiment: DetectorExperiment) -> str:
    """What is about to be trained, in two lines."""
    data = experiment.data
    names = ", ".join(data.class_names[:6]) + (", ..." if len(data.class_names) > 6 else "")
    objects = sum(len(image.names) for image in data.train)
    return (
        f"{experiment.describe()}\n"
        f"{len(data.train):,} training images with {objects:,} objects, {len(data.val):,} validation images"
        f" ({data.split}); classes: {names}"
    )


def run_experiment(
    experiment: DetectorExperiment,
    catalog: Catalog,
    reporter: Reporter,
    rules: ResumeRules = USUAL,
) -> FinishedRun:
    """Train (or resume), evaluate on the validation images, and complete the run directory.

    Raises:
        UsageError: the run is finished, held by another process, or was begun with other settings; or
            nothing can be learnt.
    """
    for line in experiment.data.problems.lines():
        reporter.warn(line)
    reporter.describe(describe(experiment))
    experiment = experiment.planned(reporter)
    run, data, device = experiment.run, experiment.data, experiment.device
    digest, val_digest = split_digests(data)
    environment = describe_environment(
        experiment.parts,
        device=device,
        precision=experiment.precision,
        data_digest=digest,
        val_indices_digest=val_digest,
    )
    continuation = Continuation(epochs=experiment.epochs, result="ap50", rules=rules)
    records = {"split.json": split_record(data, experiment.folder), **experiment.records}
    settings = hook_settings(catalog.manager)
    config = {**experiment.config, **settings.record()}
    session = TrainingSession(run, config, environment, continuation, catalog, settings, records)
    with session.opened(reporter):
        fitted = experiment.fit(reporter, session.epoch_finished)
        validated = validate(fitted.detector, data.val, run.plots, device=device, reporter=reporter)
        save_detector(fitted.detector.with_rule(confidence=validated.confidence), run.path)
        plot_training(fitted.trained.history, run.plots, title=run.name)
        finished = session.finish(result_of(data, fitted, validated))
        experiment.clear()
    return finished


def result_of(data: DetectionData, fitted: Fitted, validated: Validation) -> dict[str, Any]:
    """``result.json``: the figures on the validation images and the confidence of the best F1 by class."""
    trained = fitted.trained
    return {
        **validated.result.as_dict(),
        "intervals": validated.intervals,
        "confidence": {
            name: validated.confidence[label] for label, name in enumerate(data.class_names, start=1)
        },
        "class_names": list(data.class_names),
        "training_images": len(data.train),
        "validation_images": len(data.val),
        "epochs": trained.progress.epoch,
        **fitted.figures,
        "seconds": sum(row["seconds"] for row in trained.history),
    }
