"""From a data set and chosen parts to a finished detector: what ``netlab detect train`` does."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from netlab.detection.data.split_file import split_digests, split_record
from netlab.detection.data.voc import DetectionData, read_voc
from netlab.detection.evaluation.evaluate import Validation, validate
from netlab.detection.evaluation.plots import plot_training
from netlab.detection.model.detect import DetectRule
from netlab.detection.model.detector import (
    Detector,
    FeatureExtractor,
    ProposalSource,
    make_backbone,
    proposal_source,
)
from netlab.detection.model.head import DetectionHead
from netlab.detection.model.model_file import save_detector
from netlab.detection.training.cached_validation import CachedValidation
from netlab.detection.training.config import default_name, make_config
from netlab.detection.training.image_regions import RegionExtraction, region_set
from netlab.detection.training.settings import DetectionSettings
from netlab.detection.training.task import HeadTask, optimization_of
from netlab.engine.catalog import Catalog, Part
from netlab.engine.hook_settings import hook_settings
from netlab.errors import UsageError
from netlab.runs.config import Config
from netlab.runs.directory import RunDirectory, check_name
from netlab.runs.environment import describe_environment
from netlab.threads import limited_threads
from netlab.training.device import choose_device
from netlab.training.loop import Trained, train
from netlab.training.reporter import Reporter
from netlab.training.resume import USUAL, Continuation, ResumeRules
from netlab.training.session import FinishedRun, TrainingSession


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


@dataclass(frozen=True, slots=True)
class DetectorExperiment:
    """The training of a detector, resolved and ready: nothing has been written yet."""

    run: RunDirectory
    config: Config
    data: DetectionData
    folder: Path
    proposer: ProposalSource
    backbone: FeatureExtractor
    settings: DetectionSettings
    device: torch.device
    rule: DetectRule = field(default_factory=DetectRule)

    def describe(self) -> str:
        """What is about to be trained, in two lines."""
        names = ", ".join(self.data.class_names[:6]) + (", ..." if len(self.data.class_names) > 6 else "")
        train, val, backbone = self.data.train, self.data.val, self.backbone
        objects = sum(len(image.names) for image in train)
        return (
            f"{self.proposer.settings.name}, {backbone.component.name} ({backbone.maps.weights} weights,"
            f" {backbone.way}); {self.device}\n"
            f"{len(train):,} training images with {objects:,} objects, {len(val):,} validation images"
            f" ({self.data.split}); classes: {names}"
        )

    @property
    def parts(self) -> tuple[Part, Part]:
        """The proposer and the extractor, with their options."""
        proposer, backbone = self.proposer, self.backbone
        return Part(proposer.component, proposer.options), Part(backbone.component, backbone.options)

    @property
    def extraction(self) -> RegionExtraction:
        """How regions are found in an image; their features are kept in the run until it has ended."""
        return RegionExtraction(
            self.proposer,
            self.backbone,
            self.settings,
            self.data.class_names,
            self.device,
            self.run.path / "features",
        )


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
    """Resolve the settings, read the data and build the extractor.

    ``parts`` are keyed by kind: proposer, extractor. ``training`` holds those values of the settings that
    were given. ``weights`` are the extractor's: imagenet, none or a file. ``cache`` is where proposals are
    kept between calls.

    Raises:
        UsageError: whatever does not fit, in one line.
    """
    if name is not None:
        check_name(name)
    settings = checked_settings(training)
    chosen = choose_device(device)
    proposer = proposal_source(
        parts["proposer"].component,
        parts["proposer"].options,
        limit=settings.limit,
        long_side=settings.long_side,
        min_side=settings.min_side,
        seed=settings.seed,
        cache=cache,
    )
    data = read_voc(
        images.path,
        classes=images.classes,
        one_based=images.one_based,
        val_fraction=images.validation,
        seed=settings.seed,
    )
    backbone = make_backbone(
        parts["extractor"].component,
        parts["extractor"].options,
        weights=weights,
        way=settings.features,
        image_side=settings.image_side,
    )
    config = make_config(data, images.path, proposer, backbone, settings, weights)
    name = default_name(config, parts.values()) if name is None else name
    return DetectorExperiment(
        RunDirectory(runs / name), config, data, images.path, proposer, backbone, settings, chosen
    )


def checked_settings(values: Mapping[str, Any]) -> DetectionSettings:
    """The settings, or one line that names the flag."""
    try:
        return DetectionSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        flag = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{flag}: {first['msg']}, not {first['input']!r}") from None


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
    reporter.describe(experiment.describe())
    run, data = experiment.run, experiment.data
    digest, val_digest = split_digests(data)
    environment = describe_environment(
        experiment.parts,
        device=experiment.device,
        precision="fp32",
        data_digest=digest,
        val_indices_digest=val_digest,
    )
    continuation = Continuation(epochs=experiment.settings.epochs, result="ap50", rules=rules)
    split = {"split.json": split_record(data, experiment.folder)}
    settings = hook_settings(catalog.manager)
    config = {**experiment.config, **settings.record()}
    session = TrainingSession(run, config, environment, continuation, catalog, settings, split)
    with session.opened(reporter):
        task, validation = make_task(experiment, reporter)
        reporter.phase("training", experiment.settings.epochs)
        with limited_threads(1):  # steps of a millisecond
            trained = train(
                task, optimization_of(experiment.settings), run, reporter, on_epoch=session.epoch_finished
            )
        head = task.network.eval()
        rule = replace(experiment.rule, fit_power=validation.best_fit_power(head))
        detector = Detector(data.class_names, experiment.proposer, experiment.backbone, head, rule)
        validated = validate(detector, data.val, run.plots, device=experiment.device, reporter=reporter)
        save_detector(detector.with_rule(confidence=validated.confidence), run.path)
        plot_training(trained.history, run.plots, title=run.name)
        finished = session.finish(result_of(experiment, task, trained, validated))
        shutil.rmtree(run.path / "features", ignore_errors=True)
    return finished


def make_task(experiment: DetectorExperiment, reporter: Reporter) -> tuple[HeadTask, CachedValidation]:
    """The head to be trained, with the regions of all images, and what it is measured on.

    Raises:
        UsageError: no training image can be read, or nothing can be learnt from them.
    """
    settings, names = experiment.settings, experiment.data.class_names
    training = experiment.extraction(experiment.data.train, reporter, training=True)
    if not training:
        raise UsageError("no training image can be read")
    validation = CachedValidation(
        experiment.extraction(experiment.data.val, reporter, training=False), names, experiment.rule
    )
    head = DetectionHead(
        experiment.backbone.dimension,
        len(names),
        hidden=settings.hidden,
        dropout=settings.dropout,
        fit=settings.fit,
    )
    torch.manual_seed(settings.seed)
    head.initialize()
    task = HeadTask(region_set(training), head, settings, average_precision=validation.ap50)
    return task, validation


def result_of(
    experiment: DetectorExperiment,
    task: HeadTask,
    trained: Trained,
    validated: Validation,
) -> dict[str, Any]:
    """``result.json``: the figures on the validation images and the confidence of the best F1 by class."""
    names = experiment.data.class_names
    return {
        **validated.result.as_dict(),
        "confidence": {name: validated.confidence[label] for label, name in enumerate(names, start=1)},
        "class_names": list(names),
        "training_images": len(experiment.data.train),
        "validation_images": len(experiment.data.val),
        "epochs": trained.progress.epoch,
        "hard_negatives": len(task.hard),
        "seconds": sum(row["seconds"] for row in trained.history),
    }
