"""The training of a detector that is one network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.data.readable import read_each
from netlab.detection.data.voc import DetectionData
from netlab.detection.evaluation.average_precision import detection_result
from netlab.detection.evaluation.validation import detect_all
from netlab.detection.model.network import NetworkDetector, Trunk, build_network
from netlab.detection.training.config import default_name, network_config
from netlab.detection.training.fitted import Fitted
from netlab.detection.training.network_settings import NetworkSettings, seconds_of, usual_budget
from netlab.detection.training.network_task import NetworkTask, optimization_of
from netlab.detection.training.plan import NAME as PLAN
from netlab.detection.training.plan import Plan, plan_of_budget, read_plan, seconds_spent
from netlab.engine.catalog import Part
from netlab.errors import UsageError
from netlab.runs.config import Config
from netlab.runs.directory import RunDirectory
from netlab.training.device import choose_precision
from netlab.training.loop import EpochListener, train
from netlab.training.reporter import Reporter, Silent

TRIED_IMAGES = 4  # in which objects are looked for to learn how long that takes


@dataclass(frozen=True, slots=True)
class NetworkExperiment:
    """The training of a detector's network, resolved and ready: nothing has been written yet.

    ``plan`` says how long it is, once that is known; ``began`` is when the work on it began, see
    ``seconds_spent``.
    """

    run: RunDirectory
    config: Config
    data: DetectionData
    folder: Path
    detector: NetworkDetector
    settings: NetworkSettings
    device: torch.device
    began: float
    plan: Plan | None = None

    @property
    def precision(self) -> str:
        return choose_precision(self.settings.precision, self.device)

    @property
    def epochs(self) -> int:
        assert self.plan is not None
        return self.plan.epochs

    @property
    def records(self) -> dict[str, Any]:
        """Further files of the run: its plan."""
        assert self.plan is not None
        return {PLAN: self.plan.record()}

    @property
    def parts(self) -> tuple[Part, ...]:
        """Detector and extractor, with their options."""
        return self.detector.parts

    def describe(self) -> str:
        """Of what the detector is made."""
        trunk = self.detector.trunk
        on = (
            f", {trunk.part.component.name} ({trunk.maps.weights} weights)"
            if trunk is not None and trunk.maps is not None
            else ""
        )
        return f"{self.detector.part.component.name}{on}, {self.settings.image_side} px; {self.device}"

    def planned(self, reporter: Reporter) -> NetworkExperiment:
        """The same with the plan that the run was begun with, or a new one; what can not be read left out.

        Raises:
            UsageError: no training image can be read, or none has an object.
        """
        data = replace(self.data, train=readable(self.data.train, reporter))
        if not any(len(image.names) for image in data.train):
            raise UsageError("no training image that can be read has an object of these classes")
        experiment = replace(self, data=data)
        plan = read_plan(self.run.path)
        settings = self.settings
        if plan is None and settings.epochs is not None:
            plan = Plan(settings.epochs, 1, None, None)
        if plan is None:
            asked = settings.budget
            budget = seconds_of(asked) if asked is not None else usual_budget(len(data.train))
            reporter.phase("timing a few steps", None)
            plan = plan_of_budget(
                budget,
                self.began,
                experiment._task(),
                optimization_of(settings, 1),
                experiment._detect_some,
                self.device,
            )
            fit = "1 epoch fits" if plan.epochs == 1 else f"{plan.epochs} epochs fit"
            clock = "of processor time" if self.device.type == "cpu" else "by the clock"
            reporter.note(f"{fit} {budget:.0f} s {clock} (--budget)")
        return replace(experiment, plan=plan)

    def fit(self, reporter: Reporter, on_epoch: EpochListener) -> Fitted:
        """Train the network."""
        optimization = optimization_of(self.settings, self.epochs)
        trained = train(self._task(), optimization, self.run, reporter, on_epoch=on_epoch)
        return Fitted(self.detector, trained, {"budget": self.plan.budget if self.plan else None})

    def clear(self) -> None:
        """Remove what nobody needs any more: nothing."""

    def _task(self) -> NetworkTask:
        return NetworkTask(
            self.detector.part.component,
            self.detector.network,
            self.data.train,
            self.data.class_names,
            self.settings,
            self.device,
            bf16=self.precision == "bf16",
            average_precision=self._average_precision,
        )

    def _average_precision(self, epoch: int) -> float:
        """AP at .5 on the validation images; nan without any, and after epochs that are not measured."""
        if not self.data.val or self.plan is None or not self.plan.measures(epoch):
            return math.nan
        detections, truths = detect_all(self.detector, self.data.val, self.device, Silent())
        return detection_result(detections, truths, self.data.class_names).ap50

    def _detect_some(self) -> float:
        """Look for objects in a few validation images; gives how many times as many there are."""
        few = self.data.val[:TRIED_IMAGES]
        detect_all(self.detector, few, self.device, Silent())
        return len(self.data.val) / max(len(few), 1)


def readable(images: tuple[AnnotatedImage, ...], reporter: Reporter) -> tuple[AnnotatedImage, ...]:
    """The images that can be read; others are warned of."""
    reporter.phase("reading images", len(images))
    return tuple(image for image, _ in read_each(images, reporter))


def prepare_network(
    parts: Mapping[str, Part],
    settings: NetworkSettings,
    data: DetectionData,
    folder: Path,
    *,
    weights: str,
    runs: Path,
    name: str | None,
    device: torch.device,
) -> NetworkExperiment:
    """Build the network; ``parts`` are keyed by kind: detector, extractor.

    Raises:
        UsageError: whatever does not fit, in one line.
    """
    began = seconds_spent(device)
    part, trunk = parts["detector"], Trunk(parts["extractor"], weights)
    network = build_network(
        part.component,
        part.options,
        classes=len(data.class_names),
        features=trunk.features,
        seed=settings.seed,
    )
    detector = NetworkDetector(data.class_names, part, trunk, network, settings.image_side)
    config = network_config(data, folder, detector, settings, weights)
    if name is None:
        name = default_name(config, detector.parts, [part.component.name for part in detector.parts])
    return NetworkExperiment(
        RunDirectory(runs / name), config, data, folder, detector, settings, device, began
    )
