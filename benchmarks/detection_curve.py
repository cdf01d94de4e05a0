"""How good is a detector after so much processor time? AP over CPU seconds, torchvision's own beside it.

    python benchmarks/detection_curve.py VOC_DIR --weights mobilenet_v2_features.safetensors

Every detector is trained anew for each budget and fold, in this one process, and measured on the images of the
fold, which chose nothing. Sides:

- ``faster-rcnn`` and ``rcnn``: ``netlab.train_detector`` as it comes; ``rcnn`` has no budget and is one point;
- ``torchvision``: its Faster R-CNN as its own mobile detectors are built (a pyramid of 256 channels on the maps of
  stride 16 and 32, 1,024 units, 150 proposals), trained as its tutorial does (SGD at .005, two images, flips), on
  the same MobileNetV2, its layers from 4 on trained with frozen norms, at the same 288 pixels. Other choices, a
  finer pyramid or another optimizer, make it learn sooner: it is a reference, not the best that can be had.

CPU seconds are those of all threads of this process; an image is timed on the fold's images. No time is asserted.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import nn
from torchvision.models import mobilenet_v2
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.ops.misc import FrozenBatchNorm2d

import netlab
from netlab.data.image_files import read_image
from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.data.voc import DetectionData, read_voc
from netlab.detection.evaluation.average_precision import detection_result
from netlab.detection.evaluation.validation import truth_of
from netlab.detection.model.detect import Detections
from netlab.runs.environment import processor_name
from netlab.threads import set_threads

SIDE, BATCH, RATE, MOMENTUM, DECAY = 288, 2, 0.005, 0.9, 5e-4


@dataclass(frozen=True)
class Fold:
    """A data set in VOC layout whose split is the fold's, in a folder of its own."""

    folder: Path
    data: DetectionData


def make_fold(source: Path, images: Sequence[AnnotatedImage], k: int, folds: int, folder: Path) -> Fold:
    """Links to the images and annotations, and the lists of which are for what."""
    order = np.random.default_rng(0).permutation(len(images))
    held_out = {images[number].name for number in order[k::folds]}
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    for part in ("JPEGImages", "Annotations"):
        (folder / part).symlink_to((source / part).resolve())
    for name, chosen in (("train", False), ("val", True)):
        names = [image.name for image in images if (image.name in held_out) == chosen]
        (folder / "ImageSets" / "Main" / f"{name}.txt").write_text("\n".join(names))
    return Fold(folder, read_voc(folder))


def figures(found: Sequence[Detections], fold: Fold) -> tuple[float, float, float]:
    """AP50, AP75 and AP on the fold's images."""
    names = fold.data.class_names
    result = detection_result(found, [truth_of(image, names) for image in fold.data.val], names)
    return result.ap50, result.ap75, result.ap


def train_netlab(fold: Fold, detector: str, weights: str, budget: float | None) -> netlab.DetectorRun:
    options: dict[str, Any] = {} if budget is None else {"budget": f"{budget:g}s"}
    return netlab.train_detector(
        fold.folder, detector=detector, weights=weights, detectors=fold.folder / "detectors",
        name=f"{detector}-{budget}", quiet=True, **options,
    )  # fmt: skip


def detect_netlab(run: netlab.DetectorRun, fold: Fold) -> list[Detections]:
    found = []
    for image in run.predict_each([str(image.path) for image in fold.data.val], confidence=0.01):
        labels = np.array([run.class_names.index(name) + 1 for name in image.labels], np.int64)
        found.append(Detections(image.boxes, image.scores, labels))
    return found


def torchvision_network(classes: int, weights: str) -> nn.Module:
    """Faster R-CNN with FPN on maps of stride 16 and 32."""
    body = mobilenet_v2(norm_layer=FrozenBatchNorm2d).features
    if weights != "none":
        tensors = safetensors.torch.load_file(weights)
        body.load_state_dict(
            {k.removeprefix("features."): v for k, v in tensors.items() if "num_batches" not in k}
        )
    for layer in body[:4]:
        layer.requires_grad_(False)
    trunk = BackboneWithFPN(body, {"13": "0", "18": "1"}, [96, 1280], 256)
    anchors = AnchorGenerator(((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3)
    return FasterRCNN(
        trunk, classes + 1, min_size=SIDE, max_size=SIDE, rpn_anchor_generator=anchors,
        rpn_pre_nms_top_n_test=150, rpn_post_nms_top_n_test=150,
    )  # fmt: skip


def train_torchvision(fold: Fold, weights: str, budget: float) -> nn.Module:
    """SGD whose rate falls along a cosine to 0 when the budget is spent; half of the images mirrored."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    names, images = fold.data.class_names, fold.data.train
    network = torchvision_network(len(names), weights).train()
    learning = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    began = time.process_time()
    queue: list[int] = []
    while (share := (time.process_time() - began) / budget) < 1:
        if len(queue) < BATCH:
            queue += rng.permutation(len(images)).tolist()
        optimizer.param_groups[0]["lr"] = (
            RATE * min(1, 20 * share + 0.05) * (1 + math.cos(math.pi * share)) / 2
        )
        batch, queue = queue[:BATCH], queue[BATCH:]
        shown, targets = [], []
        for number in batch:
            image = images[number]
            pixels = torch.from_numpy(read_image(image.path)).permute(2, 0, 1).float() / 255
            boxes = torch.from_numpy(image.boxes.copy())
            if rng.random() < 0.5:
                pixels, boxes = pixels.flip(2), boxes[:, [2, 1, 0, 3]]
                boxes[:, [0, 2]] = pixels.shape[2] - boxes[:, [0, 2]]
            shown.append(pixels)
            targets.append({"boxes": boxes, "labels": torch.from_numpy(image.labels(names))})
        loss = torch.stack(list(network(shown, targets).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def detect_torchvision(network: nn.Module, fold: Fold) -> list[Detections]:
    found = []
    for image in fold.data.val:
        pixels = torch.from_numpy(read_image(image.path)).permute(2, 0, 1).float() / 255
        with torch.inference_mode():
            (result,) = network([pixels])
        found.append(Detections(*(result[key].numpy() for key in ("boxes", "scores", "labels"))))
    return found


def measure(side: str, fold: Fold, weights: str, budget: float | None) -> tuple[float, ...]:
    """CPU seconds of training, CPU seconds an image, and the figures."""
    began = time.process_time()
    if side == "torchvision":
        assert budget is not None
        network = train_torchvision(fold, weights, budget)
        trained = time.process_time()
        found = detect_torchvision(network, fold)
    else:
        run = train_netlab(fold, side, weights, budget)
        trained = time.process_time()
        found = detect_netlab(run, fold)
    image = (time.process_time() - trained) / len(found)
    return trained - began, image, *figures(found, fold)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a data set in Pascal VOC layout")
    parser.add_argument("--weights", default="none", help="of MobileNetV2: none, or a safetensors file")
    parser.add_argument("--budgets", type=float, nargs="+", default=[60.0, 150.0, 300.0], help="CPU seconds")
    parser.add_argument("--sides", nargs="+", default=["faster-rcnn", "torchvision", "rcnn"])
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--only", type=int, nargs="+", help="these folds, from 0")
    options = parser.parse_args()
    set_threads(1)
    print(f"{processor_name()}, {platform.system()}; 1 thread of {os.cpu_count()}; torch {torch.__version__}")
    data = read_voc(options.folder)
    images = [*data.train, *data.val]
    scratch = Path(tempfile.mkdtemp())
    try:
        chosen = options.only if options.only is not None else range(options.folds)
        folds = [make_fold(options.folder, images, k, options.folds, scratch / str(k)) for k in chosen]
        print(f"{len(images)} images, {len(folds)} of {options.folds} folds; means over the folds")
        print(
            f"{'detector':12} {'budget':>7} {'train s':>8} {'s/image':>8} {'AP50':>6} {'AP75':>6} {'AP':>6}"
        )
        for side in options.sides:
            for budget in options.budgets if side != "rcnn" else [None]:
                rows = [measure(side, fold, options.weights, budget) for fold in folds]
                seconds, image, *values = np.mean(rows, axis=0)
                shown = "-" if budget is None else f"{budget:g}"
                print(
                    f"{side:12} {shown:>7} {seconds:8.0f} {image:8.3f} "
                    + " ".join(f"{value:6.3f}" for value in values),
                    flush=True,
                )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
