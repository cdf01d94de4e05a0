"""How fast is detection, and does the fast way give the same?

    python benchmarks/detection.py                       # photographs that come with the dependencies
    python benchmarks/detection.py --voc VOC_DIR         # and those of a data set, with recall on all of it

Four comparisons, each with both sides in this one process, in CPU seconds (of all threads; least of the
repeats, the sides taking turns):

1. proposals: ``selective-search`` against OpenCV's own in fast mode, as the core runs both; the share
   of OpenCV's boxes that ours match at IoU .7, and recall on the data set;
2. classifying 2,000 regions of a photograph: a loop of one region a forward pass, ``crop`` and
   ``roialign``, with the same MobileNetV2, and whether the loop and ``crop`` detect the same;
3. labelling a data set's regions: against plain Python;
4. average precision: against pycocotools (extra ``bench``), if installed, on random detections.

No time is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import matplotlib.cbook
import numpy as np
import torch
from matplotlib.image import imread
from sklearn.datasets import load_sample_image
from torchvision import ops

from netlab.data.image_files import RGB, read_image
from netlab.detection.boxes import grow_boxes, iou_matrix
from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.data.voc import read_voc
from netlab.detection.evaluation.average_precision import Truth, coco_ap, coco_detections, coco_truth
from netlab.detection.model.detect import Detections, DetectRule, detect
from netlab.detection.model.detector import FeatureExtractor, ProposalSource, make_backbone, proposal_source
from netlab.detection.model.features import CROP_CONTEXT, Describe, Pool
from netlab.detection.model.head import DetectionHead
from netlab.detection.proposals.labels import BACKGROUND, IGNORED, LabelRule, label_regions
from netlab.detection.proposals.recall import best_overlaps, proposal_recall
from netlab.engine.catalog import Catalog
from netlab.engine.manager import PluginManager

REGIONS = 2000
REPORTED_CROP = 224  # pixels, as the 2023 report warped its regions


def least_cpu_seconds(sides: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """The least CPU seconds of each of ``sides``, which take turns."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, run in sides.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: min(values) for name, values in times.items()}


def photographs() -> dict[str, RGB]:
    """Three photographs that come with scikit-learn and matplotlib."""
    portrait = np.array(
        imread(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)), np.uint8
    )
    return {
        "china.jpg": load_sample_image("china.jpg").copy(),
        "flower.jpg": load_sample_image("flower.jpg").copy(),
        "grace_hopper.jpg": portrait,
    }


def source(catalog: Catalog, name: str, limit: int = REGIONS, **options: Any) -> ProposalSource:
    component = catalog.find("proposer", name)
    return proposal_source(
        component, component.make_options(options), limit=limit, long_side=400, min_side=10.0, seed=0
    )


def compare_proposals(
    catalog: Catalog, pictures: dict[str, RGB], data: Sequence[AnnotatedImage], repeats: int
) -> None:
    print("\n1. Proposals: selective-search against selective-search-cv2, both in fast mode at 400 pixels")
    ours, theirs = source(catalog, "selective-search"), source(catalog, "selective-search-cv2")
    print(f"{'photograph':20} {'ours s':>7} {'OpenCV s':>9} {'ratio':>6} {'boxes':>11} {'matched':>8}")
    for name, image in pictures.items():
        cpu = least_cpu_seconds({"ours": partial(ours, image), "theirs": partial(theirs, image)}, repeats)
        own, other = ours(image).boxes, theirs(image).boxes
        matched = (iou_matrix(other, own).max(axis=1, initial=0.0) >= 0.7).mean()
        print(
            f"{name:20} {cpu['ours']:7.3f} {cpu['theirs']:9.3f} {cpu['theirs'] / cpu['ours']:5.2f}x"
            f" {len(own):5} {len(other):5} {matched:8.1%}",
            flush=True,
        )
    if not data:
        return
    overlaps: dict[str, list[tuple[np.ndarray, Sequence[str]]]] = {"ours": [], "OpenCV": []}
    seconds = dict.fromkeys(overlaps, 0.0)
    for annotated in data:
        pixels = read_image(annotated.path)
        for side, proposer in (("ours", ours), ("OpenCV", theirs)):
            start = time.process_time()
            boxes = proposer(pixels).boxes
            seconds[side] += time.process_time() - start
            overlaps[side].append((best_overlaps(boxes, annotated.boxes), annotated.names))
    print(f"on {len(data)} images: ratio {seconds['OpenCV'] / seconds['ours']:.2f}x")
    for side, rows in overlaps.items():
        row = proposal_recall(rows)[-1]
        print(
            f"  {side:7} {seconds[side] / len(data):.3f} s an image; of {row.limit}: recall {row.recall50:.3f}"
            f" at IoU .5, {row.recall70:.3f} at .7; AR {row.average_recall:.3f}, MABO {row.mabo:.3f}",
            flush=True,
        )


def one_by_one(backbone: FeatureExtractor, image: RGB) -> Describe:
    """The report's loop: every region is warped and goes through the network by itself, as it comes."""
    maps = backbone.maps
    mean = torch.tensor(maps.mean).view(3, 1, 1) * 255
    std = torch.tensor(maps.std).view(3, 1, 1) * 255
    pixels = ((torch.from_numpy(image).permute(2, 0, 1).float() - mean) / std)[None].contiguous()
    growth = maps.crop_size / (maps.crop_size - 2 * CROP_CONTEXT)

    def describe(boxes: np.ndarray) -> torch.Tensor:
        rows = []
        with torch.inference_mode():
            for box in torch.from_numpy(grow_boxes(boxes, growth)):
                crop = ops.roi_align(pixels, [box[None]], maps.crop_size, aligned=True)
                for stage in maps.stages:
                    crop = stage(crop)
                rows.append(crop.mean((2, 3)))
        return torch.cat(rows)

    return describe


def made_up_head(features: torch.Tensor) -> DetectionHead:
    """A head of random weights that takes about one region in twenty for an object."""
    torch.manual_seed(0)
    head = DetectionHead(features.shape[1], 1)
    head.fit_standardization(features)
    torch.nn.init.normal_(head.classify.weight, std=3.0 / features.shape[1] ** 0.5)
    with torch.inference_mode():
        logits = head(features).logits
        head.classify.bias[0] += float(torch.quantile(logits[:, 1] - logits[:, 0], 0.95))
    return head.eval()


def compare_classifying(catalog: Catalog, image: RGB, weights: str) -> None:
    regions = source(catalog, "selective-search", mode="quality")(image).boxes
    print(f"\n2. Classifying {len(regions):,} regions of china.jpg, {REPORTED_CROP} pixels a crop")
    component = catalog.find("extractor", "mobilenet_v2")

    def backbone(way: Any) -> FeatureExtractor:
        options = component.make_options({"crop_size": REPORTED_CROP})
        made = make_backbone(component, options, weights=weights, way=way, image_side=512)
        last = len(made.maps.channels) - 1
        # The loop and crop: the averaged last map, as a classifier sees it. RoIAlign: what netlab pools.
        return (
            made
            if way == "roialign"
            else FeatureExtractor(component, options, made.maps, (Pool(last, 1),), way, 512)
        )

    cropping, pooling = backbone("crop"), backbone("roialign")
    crop, roialign = cropping.features(), pooling.features()
    loop_backbone = backbone("crop")  # its own, since preparing `crop` fuses batch norm into copies
    few = regions[:32]
    head = made_up_head(crop.prepare(image)(regions))
    wide_head = made_up_head(roialign.prepare(image)(regions))
    rule = DetectRule(confidence=0.8, iou=0.3, max_detections=REGIONS, refinements=0)
    size = (image.shape[1], image.shape[0])
    one_by_one(loop_backbone, image)(few)
    ways: dict[str, tuple[Callable[[], Describe], DetectionHead, int]] = {
        "one a forward pass": (lambda: one_by_one(loop_backbone, image), head, 1),
        "crop": (lambda: crop.prepare(image), head, 1),
        "roialign": (lambda: roialign.prepare(image), wide_head, 3),
    }
    found: dict[str, Detections] = {}
    seconds: dict[str, float] = {}
    print(f"{'way':20} {'CPU s':>8} {'loop / it':>10} {'detections':>11}")
    for name, (prepare, its_head, repeats) in ways.items():

        def run(name: str = name, prepare: Any = prepare, its_head: DetectionHead = its_head) -> None:
            found[name] = detect(prepare(), regions, its_head, size, rule)

        seconds[name] = least_cpu_seconds({name: run}, repeats)[name]
        ratio = seconds["one a forward pass"] / seconds[name]
        print(f"{name:20} {seconds[name]:8.2f} {ratio:9.1f}x {len(found[name]):11}", flush=True)
    loop, crops = found["one a forward pass"], found["crop"]
    same = np.array_equal(loop.boxes, crops.boxes) and np.array_equal(loop.labels, crops.labels)
    apart = float(np.abs(loop.scores - crops.scores).max(initial=0.0)) if same else float("nan")
    print(
        f"the loop and crop detect {'the same boxes' if same else 'DIFFERENT boxes'}; scores differ by {apart:.1e}"
    )


def plain_labels(
    regions: np.ndarray, truth: np.ndarray, classes: np.ndarray, difficult: np.ndarray, rule: LabelRule
) -> list[int]:
    """Labels as one would write them down: a loop over regions, in it a loop over true boxes."""
    labels = []
    true_boxes = [[float(value) for value in box] for box in truth]
    for x1, y1, x2, y2 in [[float(value) for value in box] for box in regions]:
        best, best_iou = -1, -1.0
        for i, (a1, b1, a2, b2) in enumerate(true_boxes):
            width, height = min(x2, a2) - max(x1, a1), min(y2, b2) - max(y1, b1)
            shared = width * height if width > 0 and height > 0 else 0.0
            iou = shared / ((x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared)
            if iou > best_iou:
                best, best_iou = i, iou
        if best < 0:
            labels.append(BACKGROUND)
        elif difficult[best] and best_iou >= rule.low:
            labels.append(IGNORED)
        elif best_iou >= rule.positive:
            labels.append(int(classes[best]))
        else:
            labels.append(BACKGROUND if rule.low <= best_iou < rule.high else IGNORED)
    return labels


def random_boxes(rng: np.random.Generator, n: int, width: float, height: float) -> np.ndarray:
    low = rng.uniform(0, 0.8, (n, 2)) * (width, height)
    high = low + rng.uniform(0.05, 0.6, (n, 2)) * (width, height)
    return np.concatenate([low, high], axis=1).astype(np.float32)


def compare_labelling(images: int = 80) -> None:
    print(f"\n3. Labelling {images} images of {REGIONS:,} regions and 1 to 8 objects: against plain Python")
    rng = np.random.default_rng(0)
    rule, cases = LabelRule(), []
    for _ in range(images):
        n = int(rng.integers(1, 9))
        truth, classes = random_boxes(rng, n, 500, 400), rng.integers(1, 21, n)
        near = np.repeat(truth, 20, axis=0) + rng.normal(0, 8, (20 * n, 4)).astype(np.float32)
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        regions = np.concatenate([near, random_boxes(rng, REGIONS - len(near), 500, 400)])
        cases.append((regions, truth, classes, rng.random(n) < 0.2, rule))
    labels: dict[str, list[Any]] = {}

    def ours() -> None:
        labels["ours"] = [label_regions(*case).labels.tolist() for case in cases]

    def plain() -> None:
        labels["plain"] = [plain_labels(*case) for case in cases]

    cpu = least_cpu_seconds({"ours": ours, "plain": plain}, 3)
    differ = sum(int(np.sum(np.array(a) != b)) for a, b in zip(labels["ours"], labels["plain"], strict=True))
    kinds = np.unique(np.concatenate(labels["plain"]), return_counts=True)[1]
    print(
        f"ours {cpu['ours']:.3f} s, plain {cpu['plain']:.3f} s, ratio {cpu['plain'] / cpu['ours']:.0f}x;"
        f" {differ} of {sum(kinds):,} labels differ ({kinds[0]:,} ignored, {kinds[1]:,} background)"
    )


def random_detections(images: int, classes: int = 5) -> tuple[list[Detections], list[Truth]]:
    """Objects, and detections near them and elsewhere."""
    rng = np.random.default_rng(1)
    found, true = [], []
    for _ in range(images):
        n = int(rng.integers(0, 8))
        boxes, labels = random_boxes(rng, n, 500, 400), rng.integers(1, classes + 1, n)
        true.append(Truth(boxes, labels, rng.random(n) < 0.15))
        near = np.repeat(boxes, 3, axis=0) + rng.normal(0, 12, (3 * n, 4)).astype(np.float32)
        all_boxes = np.concatenate([near, random_boxes(rng, 6, 500, 400)])
        all_boxes[:, 2:] = np.maximum(all_boxes[:, 2:], all_boxes[:, :2] + 1)
        all_labels = np.concatenate([np.repeat(labels, 3), rng.integers(1, classes + 1, 6)])
        found.append(Detections(all_boxes, rng.random(len(all_boxes), np.float32), all_labels))
    return found, true


def compare_ap(images: int = 500, classes: int = 5) -> None:
    print(f"\n4. AP of random detections in {images} images of {classes} classes: against pycocotools")
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        print("pycocotools is not installed (extra bench)")
        return
    found, true = random_detections(images, classes)
    ours: list[tuple[float, float, float]] = []
    theirs: list[tuple[float, float, float]] = []

    def measure_ours() -> None:
        ours[:] = coco_ap(found, true, classes)

    def measure_theirs() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            reference = COCO()
            reference.dataset = coco_truth(true, [str(i) for i in range(classes)])
            reference.createIndex()
            evaluation = COCOeval(reference, reference.loadRes(coco_detections(found)), "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
        precision = evaluation.eval["precision"][:, :, :, 0, -1]
        theirs[:] = [
            (float(p[0].mean()), float(p[5].mean()), float(p.mean())) for p in np.moveaxis(precision, 2, 0)
        ]

    cpu = least_cpu_seconds({"ours": measure_ours, "theirs": measure_theirs}, 2)
    apart = float(np.abs(np.array(ours) - np.array(theirs)).max())
    ap50, ap75, ap = np.mean(ours, axis=0)
    print(
        f"AP50 {ap50:.4f}, AP75 {ap75:.4f}, AP {ap:.4f}; largest difference {apart:.1e};"
        f" ours {cpu['ours']:.2f} s, pycocotools {cpu['theirs']:.2f} s, ratio {cpu['theirs'] / cpu['ours']:.1f}x"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voc", type=Path, help="a Pascal VOC data set whose images are measured too")
    parser.add_argument("--weights", default="none", help="of MobileNetV2: imagenet, none or a file")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="of the proposals of each photograph")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} processors, {options.threads} thread(s)")
    print(f"torch {torch.__version__}, OpenCV {cv2.__version__}, numpy {np.__version__}")
    catalog = Catalog(PluginManager.from_environment())
    pictures = photographs()
    china = pictures["china.jpg"]
    data: list[AnnotatedImage] = []
    if options.voc:
        found = read_voc(options.voc)
        data = [*found.train, *found.val]
        pictures |= {image.path.name: read_image(image.path) for image in found.val[:5]}
    compare_proposals(catalog, pictures, data, options.repeats)
    compare_classifying(catalog, china, options.weights)
    compare_labelling()
    compare_ap()


if __name__ == "__main__":
    main()
