"""The training of a detector's network: every image anew each epoch, and the detector's own losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from netlab.data.image_files import read_image
from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.model.scaling import as_input
from netlab.detection.training.augmentation import ImageAugmentation
from netlab.detection.training.network_settings import NetworkSettings
from netlab.engine.catalog import Component
from netlab.kinds.detector import DetectionTarget
from netlab.training.checkpoint import Progress
from netlab.training.optimization import Optimization
from netlab.training.task import StepLoss

COLUMNS = ("epoch", "train_loss", "val_ap50", "lr", "seconds")
RISE = 0.05  # share of the steps in which the rate rises


@dataclass(frozen=True, slots=True)
class ImageBatch:
    """Images float32 (3, H, W) from 0 to 1, and the objects of each."""

    images: list[Tensor]
    targets: list[DetectionTarget]


class NetworkTask:
    """A detector's network that learns from annotated images.

    An epoch shows every image, each time in a view of its own, as often as ``least_steps`` asks for; views
    and their order are functions of the seed and the epoch. Difficult objects are not shown as objects. The
    last weights are those that count.
    """

    columns = COLUMNS
    unit = "images"

    def __init__(
        self,
        component: Component,
        network: nn.Module,
        images: Sequence[AnnotatedImage],
        class_names: Sequence[str],
        settings: NetworkSettings,
        device: torch.device,
        *,
        bf16: bool,
        average_precision: Callable[[int], float] = lambda epoch: math.nan,
    ) -> None:
        """``average_precision`` measures the network after an epoch; nan where it does not."""
        self.network = network.to(device)
        self._component, self._images, self._class_names = component, images, class_names
        self._settings, self._device, self._bf16 = settings, device, bf16
        self._average_precision = average_precision
        self._augment = ImageAugmentation(settings.image_side, settings.flips, settings.zoom, settings.colour)
        self.batch_size = min(settings.batch_size, len(images))
        self.steps_per_epoch = max(math.ceil(len(images) / self.batch_size), settings.least_steps)

    def batches(self, epoch: int) -> Iterator[ImageBatch]:
        rng = np.random.default_rng([self._settings.seed, epoch])
        count = self.steps_per_epoch * self.batch_size
        rounds = math.ceil(count / len(self._images))
        order = np.concatenate([rng.permutation(len(self._images)) for _ in range(rounds)])[:count]
        for step in order.reshape(self.steps_per_epoch, self.batch_size):
            views = [self._view(self._images[number], rng) for number in step]
            yield ImageBatch([view[0] for view in views], [view[1] for view in views])

    def _view(self, image: AnnotatedImage, rng: np.random.Generator) -> tuple[Tensor, DetectionTarget]:
        shown = ~image.difficult
        pixels, boxes, numbers = self._augment(read_image(image.path), image.boxes[shown], rng)
        labels = image.labels(self._class_names)[shown][numbers]
        target: DetectionTarget = {
            "boxes": torch.from_numpy(boxes).to(self._device),
            "labels": torch.from_numpy(labels).to(self._device),
        }
        return as_input(pixels, self._device), target

    def loss(self, network: Callable[..., Mapping[str, Tensor]], batch: ImageBatch) -> StepLoss:
        """The sum of the network's losses.

        Raises:
            PluginError: it gave no mapping of scalars.
        """
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            losses = self._component.call(network, batch.images, batch.targets)
        scalars = isinstance(losses, Mapping) and all(
            isinstance(value, Tensor) and value.shape == () for value in losses.values()
        )
        if not scalars or not losses:
            raise self._component.broke("in training it gave no mapping of names to losses of shape ()")
        total = torch.stack([value.float() for value in losses.values()]).sum()
        return StepLoss(total, {"train_loss": total}, 1)

    def measure(self, epoch: int, seconds: float) -> dict[str, float]:
        """AP at IoU .5 on the validation images, where this epoch is measured."""
        return {"val_ap50": self._average_precision(epoch)}

    def score(self, row: Mapping[str, float]) -> None:
        """None: the rate ends at 0, and the last weights are the best that few images can tell."""
        return

    def is_over(self, progress: Progress) -> bool:
        return False

    def state(self) -> dict[str, Tensor]:
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        return


def rise_and_cosine(step: int, steps: int) -> float:
    """A line from 0 to 1 over the first steps, then half a cosine to 0."""
    rise = max(1, round(RISE * steps))
    if step < rise:
        return (step + 1) / rise
    return (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1))) / 2


def optimization_of(settings: NetworkSettings, epochs: int) -> Optimization:
    """AdamW (Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019)."""
    return Optimization(
        epochs=epochs,
        lr=settings.lr,
        optimizer=partial(torch.optim.AdamW, betas=(0.9, 0.99)),
        schedule=rise_and_cosine,
        seed=settings.seed,
        weight_decay=settings.weight_decay,
        clip=settings.clip,
    )
