"""The hardest test images of a run as pictures, each with its nearest neighbours."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netlab.engine.catalog import Catalog
from netlab.runs.directory import RunDirectory

if TYPE_CHECKING:
    from torch import Tensor

SHARE = 0.1  # of the test images, stratified, as netlab metrics measures them
NEIGHBOURS = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG as a data URI, with the class of the image."""

    uri: str
    label: str


@dataclass(frozen=True, slots=True)
class HardImage:
    """An image with a low data score: -k when its k nearest images all have other classes."""

    picture: Picture
    score: float
    index: int
    neighbours: list[Picture]


def hardest_images(
    directory: RunDirectory, catalog: Catalog, *, count: int, data_dir: Path | None = None
) -> tuple[str, list[HardImage]]:
    """The layer, and the ``count`` test images with the lowest data score on its features.

    The layer is the last one before the head; a stratified tenth of the test images is measured.

    Raises:
        NetlabError: the run can not be loaded: its data is not there, or it has no checkpoint.
    """
    import numpy as np

    from netlab.classification.restore import load_run
    from netlab.separability.activations import capture
    from netlab.separability.feature_sources import HEAD, stratified_sample
    from netlab.separability.layers import find_layers
    from netlab.separability.space.feature_space import FeatureSpace

    run = load_run(directory, catalog, data_dir=data_dir)
    test = run.splits.test
    indices = stratified_sample(test.labels, SHARE, 0)
    images, labels = test.images[indices], test.labels[indices]
    layer = find_layers(run.network, images[:2], preprocess=run.normalization, head=HEAD)[-1]
    features = capture(run.network, images, [layer], preprocess=run.normalization).features[layer.name]
    space = FeatureSpace(features, labels.numpy(), standardize=True)
    scores = space.neighbours.run_lengths
    nearest = space.neighbours.in_order(min(NEIGHBOURS, len(labels) - 1)).indices
    names = run.data.class_names
    pictures = {}

    def picture(position: int) -> Picture:
        if position not in pictures:
            pictures[position] = Picture(png_uri(images[position]), str(names[int(labels[position])]))
        return pictures[position]

    hardest = np.argsort(scores, kind="stable")[:count]
    return layer.name, [
        HardImage(
            picture(int(position)),
            float(scores[position]),
            int(indices[position]),
            [picture(int(other)) for other in nearest[position]],
        )
        for position in hardest
    ]


def png_uri(image: Tensor) -> str:
    """A uint8 image (1 or 3, H, W) as a data URI."""
    from PIL import Image

    pixels = image.permute(1, 2, 0).numpy()
    content = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(content, "png")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
