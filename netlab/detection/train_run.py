"""From a data set and chosen parts to a finished detector in a run directory."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tomli_w
import torch

from netlab.detection.boxes import clip_boxes
from netlab.detection.cache import cache_key
from netlab.detection.detect import Detections, DetectRule, detect
from netlab.detection.detector import Backbone, Detector, ProposalSource, save_detector
from netlab.detection.evaluate import DetectionResult, Truth, best_threshold, curve, evaluate
from netlab.detection.head import DetectionHead
from netlab.detection.images import RGB, ImageError, read_image
from netlab.detection.labels import LabelRule
from netlab.detection.regions import LabelledRegions, RegionSet, describe_regions, label_image
from netlab.detection.settings import DetectionSettings
from netlab.detection.training import Row, TrainingState, inverse_frequency_weights, train_head
from netlab.detection.voc import AnnotatedImage, DetectionData
from netlab.errors import NetlabError, UsageError
from netlab.runs.directory import RunDirectory
from netlab.runs.files import write_json, write_text

EVALUATED_FROM = 0.01  # confidence from which detections count for AP
RESUMABLE = frozenset[str]()


class Reporter(Protocol):
    """Hears of the progress of a training run."""

    def phase(self, name: str, total: int) -> None:
        """A phase of ``total`` pieces of work begins."""

    def advance(self, shown: str = "") -> None:
        """A piece of work is done; ``shown`` says how it stands."""

    def epoch(self, row: Row, epochs: int) -> None:
        """An epoch ended with this row of the history."""

    def warn(self, line: str) -> None:
        """Something was left out or mended."""


@dataclass(frozen=True, slots=True)
class DetectionPlan:
    """Everything that a training run is made from, resolved; nothing has been written yet."""

    run: RunDirectory
    data: DetectionData
    folder: Path
    source: ProposalSource
    backbone: Backbone
    settings: DetectionSettings
    rule: DetectRule
    device: torch.device
    weights: str
    environment: Mapping[str, Any] = field(default_factory=dict)

    def config(self) -> dict[str, Any]:
        """What ``config.toml`` holds."""
        return {
            "detection": {
                "folder": str(self.folder),
                "classes": list(self.data.class_names),
                "split": self.data.split,
                "training_images": len(self.data.train),
                "validation_images": len(self.data.val),
            },
            "proposer": self.source.settings.as_dict(),
            "extractor": {
                "name": self.backbone.component.name,
                "weights": self.weights,
                "weights_digest": self.backbone.weights_digest(),
                "options": (
                    self.backbone.options.model_dump(mode="json") if self.backbone.options is not None else {}
                ),
            },
            "training": self.settings.model_dump(mode="json"),
        }


@dataclass(frozen=True, slots=True)
class DescribedImage:
    """An image with its labelled regions and their features, plain and perhaps mirrored."""

    image: AnnotatedImage
    labelled: LabelledRegions
    features: tuple[np.ndarray, ...]
    proposals: int


def train_detector(plan: DetectionPlan, reporter: Reporter) -> dict[str, Any]:
    """Train (or go on with) a detector and complete its run directory. Gives what ``result.json`` holds.

    Raises:
        UsageError: the run is finished or was begun with other settings, or nothing can be learnt.
    """
    run = plan.run
    with run.locked():
        _check_resumable(plan)
        run.create()
        write_text(run.config, tomli_w.dumps(plan.config()))
        write_json(run.environment, plan.environment)
        write_json(run.path / "split.json", split_record(plan))
        detector, state = _train(plan, reporter)
        detections, truths = detect_all(detector, plan.data.val, plan.device, reporter)
        if not truths:
            reporter.warn("there are no validation images: the confidence threshold stays at .5")
        confidence = thresholds(detections, truths, plan.data.class_names)
        detector = detector.with_rule(confidence=confidence)
        result = evaluate(detections, truths, plan.data.class_names)
        save_detector(detector, run.path)
        _plot(plan, state, detections, truths)
        summary = _result(plan, state, result, confidence)
        write_json(run.result, summary)
        shutil.rmtree(run.path / "features", ignore_errors=True)
    return summary


def _check_resumable(plan: DetectionPlan) -> None:
    run = plan.run
    if not run.exists:
        return
    try:
        old = tomllib.loads(run.config.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetlabError(f"{run.config} is damaged: {error}") from None
    new = tomllib.loads(tomli_w.dumps(plan.config()))
    changed = [
        f"{table}.{key}: {old.get(table, {}).get(key, 'absent')} -> {new[table].get(key, 'absent')}"
        for table in new
        for key in sorted(new[table].keys() | old.get(table, {}).keys())
        if old.get(table, {}).get(key) != new[table].get(key)
    ]
    if changed:
        raise UsageError(
            f"run '{run.name}' was begun with other settings ({'; '.join(changed)}):"
            " use another --name, or delete its directory"
        )
    if run.is_finished:
        raise UsageError(f"run '{run.name}' is finished, in {run.path}: use another --name or --seed")


def _train(plan: DetectionPlan, reporter: Reporter) -> tuple[Detector, TrainingState]:
    settings, names = plan.settings, plan.data.class_names
    described = describe_all(plan, plan.data.train, reporter, training=True)
    if not described:
        raise UsageError("no training image can be read")
    sides = 2 if settings.flips else 1
    regions = RegionSet(
        [image.labelled for image in described for _ in range(sides)],
        [features for image in described for features in image.features],
        [bool(side) for _ in described for side in range(sides)],
    )
    validation = describe_all(plan, plan.data.val, reporter, training=False)
    head = DetectionHead(
        plan.backbone.dimension, len(names), hidden=settings.hidden, dropout=settings.dropout
    )
    torch.manual_seed(settings.seed)
    head.initialize()
    detector = Detector(names, plan.source, plan.backbone, head, plan.rule)
    weights = None
    if settings.class_weights == "inverse":
        by_name = inverse_frequency_weights(regions.labels, list(names))
        weights = torch.tensor([by_name[name] for name in ("background", *names)])

    def epoch_ended(row: Row) -> None:
        reporter.epoch(row, settings.epochs)
        reporter.advance()

    reporter.phase("training", settings.epochs)
    state = train_head(
        regions,
        head,
        settings,
        class_weights=weights,
        validate=lambda trained: validation_ap(trained, validation, plan),
        checkpoint=plan.run.last_checkpoint,
        history=plan.run.history,
        on_epoch=epoch_ended,
    )
    return detector, state


def describe_all(
    plan: DetectionPlan, images: Sequence[AnnotatedImage], reporter: Reporter, *, training: bool
) -> list[DescribedImage]:
    """Read, propose, label and describe every image; those that can not be read are warned of and left out.

    Validation images get no jittered copies and are not mirrored.
    """
    settings, names = plan.settings, plan.data.class_names
    features = plan.backbone.features(plan.device)
    rule = LabelRule(settings.positive_iou, settings.background_iou, settings.positive_iou)
    key = features_key(plan.backbone)
    sides = (False, True) if training and settings.flips else (False,)
    described = []
    reporter.phase("training images" if training else "validation images", len(images))
    for image in images:
        try:
            pixels = read_image(image.path)
        except ImageError as error:
            reporter.warn(str(error))
            continue
        proposals = plan.source(pixels).boxes
        if len(proposals) == 0:
            reporter.warn(f"no proposals for {image.path}")
        digest = hashlib.blake2b(image.name.encode(), digest_size=8).digest()
        labelled = label_image(
            proposals,
            image.boxes,
            np.array([names.index(name) + 1 for name in image.names], np.int64),
            image.difficult,
            image.size,
            rule=rule,
            regression_iou=settings.regression_iou,
            jitter=settings.jitter if training else 0,
            rng=np.random.default_rng([settings.seed, int.from_bytes(digest, "little")]),
        )
        found = tuple(
            describe_regions(
                pixels,
                labelled.regions,
                features,
                flipped=flipped,
                folder=plan.run.path / "features",
                features_key=key,
            )
            for flipped in sides
        )
        described.append(DescribedImage(image, labelled, found, len(proposals)))
        reporter.advance()
    return described


def features_key(backbone: Backbone) -> str:
    """A digest of everything but image and regions that features depend on."""
    return cache_key(
        weights=backbone.weights_digest(),
        mean=backbone.maps.mean,
        std=backbone.maps.std,
        crop_size=backbone.maps.crop_size,
        way=backbone.way,
        image_side=backbone.image_side,
        pools=[(pool.stage, pool.size, pool.grow) for pool in backbone.pools],
    )


def validation_ap(head: DetectionHead, validation: Sequence[DescribedImage], plan: DetectionPlan) -> float:
    """AP at .5 on the validation images from cached features, without refinement; nan without objects."""
    head.eval()
    rule = DetectRule(EVALUATED_FROM, plan.rule.iou, plan.rule.max_detections, refinements=0)
    detections, truths = [], []
    for described in validation:
        own = len(described.labelled.regions) - described.proposals
        regions = described.labelled.regions[own:]
        features = torch.from_numpy(described.features[0][own:].astype(np.float32))
        detections.append(detect(_not_needed, regions, head, described.image.size, rule, features))
        truths.append(truth_of(described.image, plan.data.class_names))
    return evaluate(detections, truths, plan.data.class_names).ap50


def _not_needed(regions: np.ndarray) -> torch.Tensor:
    raise AssertionError("features were given")


def truth_of(image: AnnotatedImage, class_names: Sequence[str]) -> Truth:
    """The true boxes of an image with labels in place of names."""
    labels = np.array([class_names.index(name) + 1 for name in image.names], np.int64)
    return Truth(clip_boxes(image.boxes, *image.size), labels, image.difficult)


def detect_all(
    detector: Detector,
    images: Sequence[AnnotatedImage],
    device: torch.device,
    reporter: Reporter,
    *,
    seen: Callable[[AnnotatedImage, RGB, Detections], None] = lambda image, pixels, found: None,
) -> tuple[list[Detections], list[Truth]]:
    """Detections of any confidence that counts for AP in every image, and the truth."""
    detector = detector.with_rule(confidence=EVALUATED_FROM)
    features = detector.backbone.features(device)
    detections, truths = [], []
    reporter.phase("detecting", len(images))
    for image in images:
        try:
            pixels = read_image(image.path)
        except ImageError as error:
            reporter.warn(str(error))
            continue
        found = detector.on(features, pixels)
        seen(image, pixels, found)
        detections.append(found)
        truths.append(truth_of(image, detector.class_names))
        reporter.advance()
    return detections, truths


def thresholds(
    detections: Sequence[Detections], truths: Sequence[Truth], class_names: Sequence[str]
) -> dict[int, float]:
    """The confidence of the best F1 of each class; .5 for a class that was never found."""
    found = {}
    for label in range(1, len(class_names) + 1):
        best = best_threshold(curve(detections, truths, label, 0.5)) if truths else None
        found[label] = 0.5 if best is None else best
    return found


def split_record(plan: DetectionPlan) -> dict[str, Any]:
    """Which images were trained on and which held out, by name and by digest of the file."""

    def rows(images: Sequence[AnnotatedImage]) -> dict[str, str]:
        return {image.name: file_digest(image.path) for image in images}

    return {
        "folder": str(plan.folder.resolve()),
        "train": rows(plan.data.train),
        "val": rows(plan.data.val),
    }


def file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _plot(
    plan: DetectionPlan, state: TrainingState, detections: Sequence[Detections], truths: Sequence[Truth]
) -> None:
    from netlab.detection.curve_table import write_curves
    from netlab.detection.plots import plot_precision_recall, plot_training

    plot_training(state.history, plan.run.plots, title=plan.run.name)
    if truths:
        plot_precision_recall(detections, truths, plan.data.class_names, plan.run.plots)
        write_curves(detections, truths, plan.data.class_names, plan.run.plots)


def _result(
    plan: DetectionPlan, state: TrainingState, result: DetectionResult, confidence: Mapping[int, float]
) -> dict[str, Any]:
    names = plan.data.class_names
    return {
        **result.as_dict(),
        "confidence": {name: confidence[label] for label, name in enumerate(names, start=1)},
        "class_names": list(names),
        "training_images": len(plan.data.train),
        "validation_images": len(plan.data.val),
        "epochs": state.epoch,
        "hard_negatives": len(state.hard),
        "seconds": sum(row["seconds"] for row in state.history),
    }


def data_digest(data: DetectionData) -> tuple[str, str]:
    """Digests of all images with their boxes, and of the names of the validation images."""
    digest = hashlib.sha256()
    for image in (*data.train, *data.val):
        digest.update(f"{image.name} {file_digest(image.path)} {image.names}".encode())
        digest.update(image.boxes.tobytes() + image.difficult.tobytes())
    held_out = hashlib.sha256("\n".join(image.name for image in data.val).encode())
    return digest.hexdigest(), held_out.hexdigest()
