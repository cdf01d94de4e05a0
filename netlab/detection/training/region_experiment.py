"""The training of a detector made of regions: its head learns from features that are made once."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from netlab.detection.data.voc import DetectionData
from netlab.detection.model.detect import DetectRule
from netlab.detection.model.detector import (
    FeatureExtractor,
    ProposalSource,
    RegionDetector,
    make_backbone,
    proposal_source,
)
from netlab.detection.model.head import DetectionHead
from netlab.detection.training.cached_validation import CachedValidation
from netlab.detection.training.config import default_name, region_config
from netlab.detection.training.fitted import Fitted
from netlab.detection.training.image_regions import RegionExtraction, region_set
from netlab.detection.training.settings import DetectionSettings
from netlab.detection.training.task import HeadTask, optimization_of
from netlab.engine.catalog import Part
from netlab.errors import UsageError
from netlab.kinds.detector import RegionHead
from netlab.runs.config import Config
from netlab.runs.directory import RunDirectory
from netlab.threads import limited_threads
from netlab.training.loop import EpochListener, train
from netlab.training.reporter import Reporter


@dataclass(frozen=True, slots=True)
class RegionExperiment:
    """The training of a detector made of regions, resolved and ready: nothing has been written yet."""

    run: RunDirectory
    config: Config
    data: DetectionData
    folder: Path
    part: Part
    head: RegionHead
    proposer: ProposalSource
    backbone: FeatureExtractor
    settings: DetectionSettings
    device: torch.device
    rule: DetectRule = field(default_factory=DetectRule)

    precision = "fp32"

    @property
    def epochs(self) -> int:
        return self.settings.epochs

    @property
    def records(self) -> dict[str, Any]:
        """Further files of the run: none."""
        return {}

    def planned(self, reporter: Reporter) -> RegionExperiment:
        """Itself: its epochs are settings."""
        return self

    def describe(self) -> str:
        """Of what the detector is made."""
        backbone = self.backbone
        return (
            f"{self.proposer.settings.name}, {backbone.component.name} ({backbone.maps.weights} weights,"
            f" {backbone.way}); {self.device}"
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """Detector, proposer and extractor, with their options."""
        proposer, backbone = self.proposer, self.backbone
        return (
            self.part,
            Part(proposer.component, proposer.options),
            Part(backbone.component, backbone.options),
        )

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

    def fit(self, reporter: Reporter, on_epoch: EpochListener) -> Fitted:
        """Make the regions of all images, and train the head on them.

        Raises:
            UsageError: no training image can be read, or nothing can be learnt from them.
        """
        task, validation = make_task(self, reporter)
        reporter.phase("training", self.settings.epochs)
        with limited_threads(1):  # steps of a millisecond
            trained = train(task, optimization_of(self.settings), self.run, reporter, on_epoch=on_epoch)
        head = task.network.eval()
        rule = replace(self.rule, fit_power=validation.best_fit_power(head))
        detector = RegionDetector(self.data.class_names, self.part, self.proposer, self.backbone, head, rule)
        return Fitted(detector, trained, {"hard_negatives": len(task.hard)})

    def clear(self) -> None:
        """Remove the features, which nobody needs any more."""
        shutil.rmtree(self.run.path / "features", ignore_errors=True)


def prepare_regions(
    parts: Mapping[str, Part],
    settings: DetectionSettings,
    data: DetectionData,
    folder: Path,
    *,
    weights: str,
    runs: Path,
    name: str | None,
    cache: Path | None,
    device: torch.device,
) -> RegionExperiment:
    """Build the extractor; ``parts`` are keyed by kind: detector, proposer, extractor.

    Raises:
        UsageError: whatever does not fit, in one line.
    """
    part = parts["detector"]
    head = part.component.build(options=part.options)
    if not isinstance(head, RegionHead):
        raise part.component.broke(f"gave {type(head).__name__}, not a RegionHead")
    proposer = proposal_source(
        parts["proposer"].component,
        parts["proposer"].options,
        limit=settings.limit,
        long_side=settings.long_side,
        min_side=settings.min_side,
        seed=settings.seed,
        cache=cache,
    )
    backbone = make_backbone(
        parts["extractor"].component,
        parts["extractor"].options,
        weights=weights,
        way=settings.features,
        image_side=settings.image_side,
    )
    config = region_config(data, folder, part, proposer, backbone, settings, weights)
    if name is None:
        named = parts["proposer"], parts["extractor"]
        name = default_name(config, parts.values(), [part.component.name for part in named])
    return RegionExperiment(
        RunDirectory(runs / name), config, data, folder, part, head, proposer, backbone, settings, device
    )


def make_task(experiment: RegionExperiment, reporter: Reporter) -> tuple[HeadTask, CachedValidation]:
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
    head = DetectionHead(experiment.backbone.dimension, len(names), **asdict(experiment.head))
    torch.manual_seed(settings.seed)
    head.initialize()
    task = HeadTask(region_set(training), head, settings, average_precision=validation.ap50)
    return task, validation
