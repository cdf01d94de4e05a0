"""What each part of the detector is worth: AP on images that were not trained on.

    python benchmarks/detection_ablation.py VOC_DIR --weights PATH

starts from the 2023 report's way, made runnable, and mends it step by step; then it exchanges the
proposer. The first column is AP at IoU .5 on the validation images after training on the training
images. The others come from cross-validation over all images: in four folds by image, for a number of
seeds, so that no choice leans on one small validation set.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netlab.data.cache import default_cache_folder
from netlab.data.image_files import read_image
from netlab.detection.boxes import iou_matrix
from netlab.detection.evaluation.average_precision import DetectionResult, detection_result
from netlab.detection.evaluation.validation import truth_of
from netlab.detection.model.detect import NOTHING, Detections, DetectRule, detect
from netlab.detection.model.features import Pool
from netlab.detection.model.head import DetectionHead
from netlab.detection.training.experiment import AnnotatedFolder, prepare
from netlab.detection.training.image_regions import ImageRegions, region_set
from netlab.detection.training.region_experiment import RegionExperiment
from netlab.detection.training.task import HeadTask, optimization_of
from netlab.engine.catalog import Catalog, Part
from netlab.engine.manager import PluginManager
from netlab.threads import set_threads
from netlab.training.loop import train
from netlab.training.reporter import Silent

# The last map, averaged: what a classifier sees. A warped crop fills it; in the map of a whole image the
# average hardly tells where a region ends, so that alone it finds almost nothing.
COARSE = (Pool(4, 1),)
# Crops are slow: their rows, and the first with RoIAlign, look at the best 300 proposals only.
RCNN = {"jitter": 0, "flips": False, "background_iou": 0.1, "hard_negatives": False, "limit": 300}
NO_NMS = 1.0


@dataclass(frozen=True)
class Row:
    """One step of the ablation."""

    name: str
    way: str = "crop"
    pools: tuple[Pool, ...] | None = COARSE
    settings: dict[str, Any] = field(default_factory=lambda: dict(RCNN))
    mistaken_labels: bool = False
    regression: bool = False
    nms: float = 0.3
    refinements: int = 0
    fit: int = 0
    fit_power: float = 0.0
    proposer: str = "selective-search"
    proposer_options: dict[str, Any] = field(default_factory=dict)


HARD = {**RCNN, "hard_negatives": True}
ALL_PROPOSALS = {**HARD, "limit": 2000}
ROWS = (
    Row(
        "the report's way, made runnable",
        settings={**RCNN, "background_iou": 0.0},
        mistaken_labels=True,
        nms=NO_NMS,
    ),
    Row("crop: + correct labels", nms=NO_NMS),
    Row("crop: + NMS"),
    Row("crop: + hard negatives", settings=HARD),
    Row("crop: + box regression", settings=HARD, regression=True),
    Row("roialign in place of crop, 1x1 cells", "roialign", settings=HARD, regression=True),
    Row("roialign: + 5x5 cells of stride 16", "roialign", None, HARD, regression=True),
    Row("roialign: + 2000 proposals", "roialign", None, ALL_PROPOSALS, regression=True),
    Row("roialign: + flips and copies", "roialign", None, {"background_iou": 0.1}, regression=True),
    Row("roialign: + far background", "roialign", None, {}, regression=True),
    Row("roialign: + a refinement", "roialign", None, {}, regression=True, refinements=1),
    *(
        Row(
            f"+ predicted IoU to the power {power:g}",
            "roialign",
            None,
            {},
            regression=True,
            refinements=1,
            fit=128,
            fit_power=power,
        )
        for power in (0.5, 1.0, 2.0)
    ),
    *(
        Row(
            f"default with unions {unions}",
            "roialign",
            None,
            {},
            regression=True,
            refinements=1,
            proposer_options={"unions": unions},
        )
        for unions in (0, 40)
    ),
    *(
        Row(f"default with {name}", "roialign", None, {}, regression=True, refinements=1, proposer=name)
        for name in ("selective-search-cv2", "edge-boxes", "sliding-window")
    ),
)


class OnlyWarnings(Silent):
    """A reporter that only warns."""

    def warn(self, text: str) -> None:
        print(f"warning: {text}")


def experiment_of(folder: Path, weights: str, row: Row, scratch: Path) -> RegionExperiment:
    catalog = Catalog(PluginManager.from_environment())
    proposer, extractor = catalog.find("proposer", row.proposer), catalog.find("extractor", "mobilenet_v2")
    detector = catalog.find("detector", "rcnn")
    parts = {
        "detector": Part(detector, detector.make_options({"fit": row.fit})),
        "proposer": Part(proposer, proposer.make_options(row.proposer_options)),
        "extractor": Part(extractor, extractor.make_options({})),
    }
    experiment = prepare(
        parts, {**row.settings, "features": row.way}, AnnotatedFolder(folder), weights=weights, runs=scratch,
        name="ablation", cache=default_cache_folder(), device="cpu",
    )  # fmt: skip
    assert isinstance(experiment, RegionExperiment)
    if row.pools is None:
        return experiment
    return replace(experiment, backbone=replace(experiment.backbone, pools=row.pools))


def mistaken(found: ImageRegions) -> ImageRegions:
    """The report's labels: corners passed to an IoU that takes them for x, y, width, height; every true
    box asked in turn; only proposals, all of them either positive or negative."""
    labelled = found.labelled
    own = len(labelled.regions) - found.proposals

    def as_width_height(boxes: np.ndarray) -> np.ndarray:
        return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)

    truth = as_width_height(found.image.boxes)
    labels = np.full(len(labelled.labels), -1, np.int64)
    if len(truth):
        overlaps = iou_matrix(as_width_height(labelled.regions[own:]), truth).max(axis=1)
        labels[own:] = (overlaps > 0.5).astype(np.int64)
    return replace(found, labelled=replace(labelled, labels=labels))


def fit(experiment: RegionExperiment, row: Row, images: Sequence[ImageRegions], seed: int) -> DetectionHead:
    if row.mistaken_labels:
        images = [mistaken(image) for image in images]
    settings = experiment.settings.model_copy(update={"seed": seed})
    head = DetectionHead(experiment.backbone.dimension, len(experiment.data.class_names), fit=row.fit)
    torch.manual_seed(seed)
    head.initialize()
    train(HeadTask(region_set(images), head, settings), optimization_of(settings))
    head.eval()
    if not row.regression:
        torch.nn.init.zeros_(head.regress.weight)
        torch.nn.init.zeros_(head.regress.bias)
    return head


def find(
    experiment: RegionExperiment, row: Row, head: DetectionHead, images: Sequence[ImageRegions]
) -> list[Detections]:
    rule = DetectRule(0.01, row.nms, 100, row.refinements, row.fit_power)
    features = experiment.backbone.features()
    found = []
    for image in images:
        own = len(image.labelled.regions) - image.proposals
        known = torch.from_numpy(image.features[0][own:].astype(np.float32))
        describe = features.prepare(read_image(image.image.path))
        found.append(detect(describe, image.labelled.regions[own:], head, image.image.size, rule, known))
    return found


def measure(
    experiment: RegionExperiment, images: Sequence[ImageRegions], found: Sequence[Detections]
) -> DetectionResult:
    names = experiment.data.class_names
    return detection_result(found, [truth_of(image.image, names) for image in images], names)


def measure_row(folder: Path, weights: str, row: Row, scratch: Path, seeds: int, folds: int = 4) -> str:
    """AP50 on the validation images, and the means over ``seeds`` of the cross-validated measures, each
    seed with folds of its own, with the smallest and largest AP50."""
    experiment = experiment_of(folder, weights, row, scratch)
    data = experiment.data
    images = experiment.extraction((*data.train, *data.val), OnlyWarnings(), training=True)
    train, val = images[: len(data.train)], images[len(data.train) :]
    once = measure(experiment, val, find(experiment, row, fit(experiment, row, train, 0), val))
    results = []
    for seed in range(seeds):
        fold = np.random.default_rng(seed).permutation(len(images)) % folds
        found: list[Detections] = [NOTHING] * len(images)
        for k in range(folds):
            head = fit(
                experiment, row, [image for image, f in zip(images, fold, strict=True) if f != k], seed
            )
            held_out = np.flatnonzero(fold == k).tolist()
            here = find(experiment, row, head, [images[i] for i in held_out])
            for i, detections in zip(held_out, here, strict=True):
                found[i] = detections
        measured = measure(experiment, images, found)
        results.append([measured.ap50, measured.ap75, measured.ap, measured.voc2007])
    values = np.array(results)
    cells = "".join(f" {value:6.3f}" for value in values.mean(axis=0))
    return f"{row.name:36} {once.ap50:6.3f} {cells}  {values[:, 0].min():.3f} to {values[:, 0].max():.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", required=True, help="imagenet, or a file of MobileNetV2's weights")
    parser.add_argument("--seeds", type=int, default=2, help="of the cross-validation")
    parser.add_argument("--only", nargs="+", default=[""], help="rows whose name contains one of these")
    given = parser.parse_args()
    set_threads(1)
    print(f"{'':36}    val  cross-validated over all images")
    print(f"{'':36} {'AP50':>6}  {'AP50':>6} {'AP75':>6} {'AP':>6} {'VOC07':>6}  AP50 of seeds")
    with tempfile.TemporaryDirectory() as scratch:
        for row in ROWS:
            if any(text in row.name for text in given.only):
                print(measure_row(given.folder, given.weights, row, Path(scratch), given.seeds), flush=True)


if __name__ == "__main__":
    main()
