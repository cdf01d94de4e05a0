"""The training of a classifier: the chosen loss on augmented batches, accuracy on the validation images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from netlab.classification.assembly import Assembly
from netlab.classification.evaluate import Evaluation, evaluate
from netlab.classification.optimization import loss_of
from netlab.classification.settings import TrainingSettings
from netlab.data.batches import TrainingBatches, evaluation_batches
from netlab.data.normalize import Normalization
from netlab.data.split import Splits
from netlab.errors import NetlabError
from netlab.kinds.dataset import LabelledImages
from netlab.runs.history import COLUMNS
from netlab.training.checkpoint import Progress
from netlab.training.elu import use_blockwise_elu
from netlab.training.loop import kept_checkpoint
from netlab.training.ranks import ALONE, Ranks
from netlab.training.task import StepLoss

EVALUATION_BATCH = 256

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that a classifier's training needs, resolved. ``precision`` is ``bf16`` or ``fp32``;
    ``ranks`` are the processes that train together."""

    network: nn.Module
    splits: Splits
    classes: int
    normalization: Normalization
    assembly: Assembly
    device: torch.device
    precision: str
    ranks: Ranks = ALONE

    @property
    def settings(self) -> TrainingSettings:
        return self.assembly.settings


class ClassifierTask:
    """A network that names what is in an image, on its device and in its memory format."""

    columns = COLUMNS
    unit = "images"

    def __init__(self, setup: Setup) -> None:
        settings, device = setup.settings, setup.device
        network = setup.network.to(device)
        if settings.channels_last:
            network = network.to(memory_format=torch.channels_last)
        if setup.precision == "bf16" and device.type == "cpu" and not settings.compile:
            use_blockwise_elu(network)
        self.network = setup.ranks.synchronize_norms(network)
        self.batch_size = min(settings.batch_size, len(setup.splits.train))
        self._setup = setup
        self._train = TrainingBatches(
            on_device(setup.splits.train, device),
            setup.normalization,
            setup.assembly.chains["augmentation"],
            setup.classes,
            self.batch_size,
            settings.seed,
            setup.ranks.share(self.batch_size),
        )
        self._loss = loss_of(setup.assembly.parts["loss"])
        self._mixing = any(
            "mixing" in part.component.spec.tags for part in setup.assembly.chains["augmentation"]
        )
        self._val = on_device(setup.splits.val, device)
        self.steps_per_epoch = len(self._train)

    def batches(self, epoch: int) -> Iterator[Batch]:
        return self._train.epoch(epoch)

    def loss(self, network: Callable[[Tensor], Tensor], batch: Batch) -> StepLoss:
        """The chosen loss, with plain cross-entropy and accuracy as figures."""
        images, targets = batch
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self._setup.precision == "bf16"):
            logits = network(images)
        logits = logits.float()
        labels = targets.argmax(1)
        # Ranks' gradients are averaged, and the average is to be that of the whole batch's mean loss,
        # also where the ranks have shares of different sizes.
        loss = self._loss(logits, targets) * (len(labels) * self._setup.ranks.world / self.batch_size)
        # The recorded loss is plain, so that it compares with the validation loss and with other losses.
        plain = nn.functional.cross_entropy(
            logits.detach(), targets if self._mixing else labels, reduction="sum"
        )
        right = (logits.argmax(1) == labels).sum()
        return StepLoss(loss, {"train_loss": plain, "train_accuracy": right}, len(labels))

    def measure(self, epoch: int, seconds: float) -> dict[str, float]:
        """Loss and accuracy on the validation images, and the speed of the steps."""
        validation = self.evaluate(self._val)
        if not math.isfinite(validation.loss):
            raise NetlabError(
                f"the validation loss became {validation.loss} after epoch {epoch}; {kept_checkpoint(epoch)}."
                f" Try a smaller --lr (it was {self._setup.settings.lr:g})"
            )
        return {
            "val_loss": validation.loss,
            "val_accuracy": validation.accuracy,
            "images_per_second": self.steps_per_epoch * self.batch_size / seconds,
        }

    def score(self, row: Mapping[str, float]) -> tuple[float, float]:
        """Higher accuracy is better, or the same with a lower loss."""
        return row["val_accuracy"], -row["val_loss"]

    def is_over(self, progress: Progress) -> bool:
        return out_of_patience(progress, self._setup.settings)

    def state(self) -> dict[str, Tensor]:
        """Nothing: order and augmentation of an epoch derive from (seed, epoch)."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        return

    def test(self) -> Evaluation:
        """Evaluate the test images, once and at the end.

        Raises:
            NetlabError: the network gives no finite logits for them.
        """
        found = self.evaluate(on_device(self._setup.splits.test, self._setup.device))
        if not math.isfinite(found.loss):
            raise NetlabError(
                f"the loss on the test images is {found.loss}: the network gives no finite logits for them"
            )
        return found

    def evaluate(self, data: LabelledImages) -> Evaluation:
        """Evaluate the network on images; every rank takes its share of the batches."""
        setup, ranks = self._setup, self._setup.ranks
        batches = evaluation_batches(
            data, setup.normalization, EVALUATION_BATCH, first=ranks.rank, every=ranks.world
        )
        return evaluate(self.network, batches, classes=setup.classes, precision=setup.precision, ranks=ranks)


def out_of_patience(progress: Progress, settings: TrainingSettings) -> bool:
    """Whether the validation has not improved for ``patience`` epochs."""
    return settings.patience > 0 and progress.epoch - progress.best_epoch >= settings.patience


def on_device(data: LabelledImages, device: torch.device) -> LabelledImages:
    """The images on the device, still uint8."""
    return LabelledImages(data.images.to(device), data.labels.to(device))
