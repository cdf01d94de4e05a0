"""Images of a data set with their labelled regions and the features of these."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netlab.data.image_files import ImageError, read_image
from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.model.detector import Backbone
from netlab.detection.proposals.cache import cache_key
from netlab.detection.training.labels import LabelRule
from netlab.detection.training.plan import DetectionPlan, Reporter
from netlab.detection.training.regions import LabelledRegions, describe_regions, label_image


@dataclass(frozen=True, slots=True)
class DescribedImage:
    """An image with its labelled regions and their features, plain and perhaps mirrored."""

    image: AnnotatedImage
    labelled: LabelledRegions
    features: tuple[np.ndarray, ...]
    proposals: int


def describe_all(
    plan: DetectionPlan, images: Sequence[AnnotatedImage], reporter: Reporter, *, training: bool
) -> list[DescribedImage]:
    """Read, propose, label and describe every image; those that can not be read are warned of and left out.

    Validation images get no jittered copies and are not mirrored.
    """
    settings = plan.settings
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
            image.labels(plan.data.class_names),
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
