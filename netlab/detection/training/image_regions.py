"""Images of a data set with their labelled regions and the features of these."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from netlab.data.cache import cache_key
from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.data.readable import read_each
from netlab.detection.model.detector import FeatureExtractor, ProposalSource
from netlab.detection.proposals.labels import LabelRule
from netlab.detection.training.regions import LabelledRegions, RegionSet, describe_regions, label_image
from netlab.detection.training.settings import DetectionSettings
from netlab.training.reporter import Reporter


@dataclass(frozen=True, slots=True)
class ImageRegions:
    """An image with its labelled regions and their features float16 (N, D), plain and perhaps mirrored.

    Of the regions, the last ``proposals`` were proposed; those before are true boxes and their copies.
    """

    image: AnnotatedImage
    labelled: LabelledRegions
    features: tuple[NDArray[np.float16], ...]
    proposals: int


@dataclass(frozen=True, slots=True)
class RegionExtraction:
    """How the regions of an image are found, labelled and described. ``folder`` keeps their features."""

    proposer: ProposalSource
    backbone: FeatureExtractor
    settings: DetectionSettings
    class_names: Sequence[str]
    device: torch.device
    folder: Path

    def __call__(
        self, images: Sequence[AnnotatedImage], reporter: Reporter, *, training: bool
    ) -> list[ImageRegions]:
        """The regions of every image; those that can not be read are warned of and left out.

        Validation images get no jittered copies and are not mirrored.
        """
        features = self.backbone.features(self.device)
        key = features_key(self.backbone)
        sides = (False, True) if training and self.settings.flips else (False,)
        found = []
        reporter.phase("training images" if training else "validation images", len(images))
        for image, pixels in read_each(images, reporter):
            proposals = self.proposer(pixels).boxes
            if len(proposals) == 0:
                reporter.warn(f"no proposals for {image.path}")
            labelled = self._labelled(image, proposals, training=training)
            described = tuple(
                describe_regions(
                    pixels,
                    labelled.regions,
                    features,
                    flipped=flipped,
                    folder=self.folder,
                    features_key=key,
                )
                for flipped in sides
            )
            found.append(ImageRegions(image, labelled, described, len(proposals)))
        return found

    def _labelled(
        self, image: AnnotatedImage, proposals: NDArray[np.float32], *, training: bool
    ) -> LabelledRegions:
        settings = self.settings
        digest = hashlib.blake2b(image.name.encode(), digest_size=8).digest()
        return label_image(
            proposals,
            image.boxes,
            image.labels(self.class_names),
            image.difficult,
            image.size,
            rule=LabelRule(settings.positive_iou, settings.background_iou, settings.positive_iou),
            regression_iou=settings.regression_iou,
            jitter=settings.jitter if training else 0,
            rng=np.random.default_rng([settings.seed, int.from_bytes(digest, "little")]),
        )


def region_set(images: Sequence[ImageRegions]) -> RegionSet:
    """All regions of the images, plain and mirrored ones after each other."""
    return RegionSet(
        [image.labelled for image in images for _ in image.features],
        [features for image in images for features in image.features],
        [bool(side) for image in images for side in range(len(image.features))],
    )


def features_key(backbone: FeatureExtractor) -> str:
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
