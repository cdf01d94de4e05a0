"""The training of a classifier: the chosen loss on augmented batches, accuracy on the validation images."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from netlab.classification.assembly import Assembly
from netlab.classification.evaluate import Evaluation, evaluate
from netlab.classification.frozen import FrozenOutputs, batches_of_outputs, on_device
from netlab.classification.optimization import loss_of, with_class_weights
from netlab.classification.settings import TrainingSettings
from netlab.data.batches import TrainingBatches, evaluation_batches
from netlab.data.normalize import Normalization
from netlab.data.resize import resized
from netlab.data.split import Splits
from netlab.data.views import ONE_VIEW, Views
from netlab.errors import NetlabError
from netlab.kinds.dataset import LabelledImages
from netlab.pretrained import PretrainedNetwork
from netlab.runs.history import COLUMNS
from netlab.training.checkpoint import Progress
from netlab.training.elu import use_blockwise_elu
from netlab.training.loop import kept_checkpoint
from netlab.training.ranks import ALONE, Ranks
from netlab.training.task import StepLoss

EVALUATION_BATCH = 256

# Inputs, class probabilities, and the layer that takes the inputs: not the first where layers before it are
# frozen, and inputs are their outputs.
Batch = tuple[Tensor, Tensor, int]


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that a classifier's training needs, resolved. ``precision`` is ``bf16`` or ``fp32``;
    ``ranks`` are the processes that train together; outputs of frozen layers are kept in ``cache``."""

    network: nn.Module
    splits: Splits
    classes: int
    normalization: Normalization
    assembly: Assembly
    device: torch.device
    precision: str
    ranks: Ranks = ALONE
    cache: Path | None = None

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
        if isinstance(network, PretrainedNetwork):
            network.freeze(network.frozen_for(settings.train))
        self.batch_size = min(settings.batch_size, len(setup.splits.train))
        self._setup = setup
        self._train = TrainingBatches(
            images_on(setup.splits.train, device),
            setup.normalization,
            setup.assembly.chains["augmentation"],
            setup.classes,
            self.batch_size,
            settings.seed,
            setup.ranks.share(self.batch_size),
            balanced=settings.sampling == "balanced",
        )
        self._loss = loss_of(with_class_weights(setup.assembly, setup.splits.train.labels, setup.classes))
        self._mixing = any(
            "mixing" in part.component.spec.tags for part in setup.assembly.chains["augmentation"]
        )
        self._val = images_on(setup.splits.val, device)
        self._frozen = self._frozen_outputs()
        self.steps_per_epoch = len(self._train)

    def _frozen_outputs(self) -> FrozenOutputs | None:
        setup = self._setup
        if not isinstance(self.network, PretrainedNetwork):
            return None
        return FrozenOutputs(
            self.network,
            setup.normalization,
            setup.precision,
            setup.device,
            [
                (part.component.supplier.record(), part.values)
                for part in setup.assembly.chains["augmentation"]
            ],
            setup.cache,
        )

    def first_layer(self, epoch: int) -> int:
        """The first layer that is run in an epoch: those before it do not learn in it."""
        if not isinstance(self.network, PretrainedNetwork):
            return 0
        head_alone = epoch <= self._setup.settings.head_epochs
        return self.network.trunk if head_alone else self.network.frozen

    def batches(self, epoch: int) -> Iterator[Batch]:
        first = self.first_layer(epoch)
        if self._frozen is None or not first:
            batches = self._early if epoch <= self._setup.settings.early_epochs else self._train
            return ((images, targets, 0) for images, targets in batches.epoch(epoch))
        return self._batches_of_outputs(self._frozen, epoch, first)

    @functools.cached_property
    def _early(self) -> TrainingBatches:
        """The batches of the first epochs, whose images are smaller."""
        return replace(self._train, data=resized(self._train.data, self._setup.settings.early_size))

    def _batches_of_outputs(self, frozen: FrozenOutputs, epoch: int, first: int) -> Iterator[Batch]:
        """The batches of an epoch as the frozen layers give them; epochs take turns with the views."""
        settings, device = self._setup.settings, self._setup.device
        # Views have the split's seed, so that runs that differ in their own share the outputs.
        views = replace(self._train, seed=settings.split_seed)
        outputs, targets = frozen.of_view(views, (epoch - 1) % settings.views + 1, first)
        for indices in self._train.order(epoch):
            yield on_device(outputs[indices], device), targets[indices].to(device), first

    def loss(self, network: Callable[[Tensor], Tensor], batch: Batch) -> StepLoss:
        """The chosen loss, with plain cross-entropy and accuracy as figures."""
        inputs, targets, first = batch
        more = {"first": first} if first else {}
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self._setup.precision == "bf16"):
            logits = network(inputs, **more)
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
        """Loss and accuracy on the validation images, each seen once, and the speed of the steps."""
        validation = self.evaluate(self._val, first=self.first_layer(epoch))
        if not math.isfinite(validation.loss):
            raise NetlabError(
                f"the validation loss became {validation.loss} after epoch {epoch}; {kept_checkpoint(epoch)}."
                f" Try a smaller --lr (it was {self._setup.settings.lr:g})"
            )
        return {
            "val_loss": validation.loss,
            "val_accuracy": validation.accuracy,
            "val_balanced_accuracy": validation.balanced_accuracy,
            "images_per_second": self.steps_per_epoch * self.batch_size / seconds,
        }

    def score(self, row: Mapping[str, float]) -> tuple[float, float] | None:
        """Higher balanced accuracy is better, or the same with a lower loss; None: not to be chosen.

        Of equal classes that is the accuracy. Of others, accuracy would choose what knows the frequent ones.
        The best of many epochs on few images is the luckiest: then only the ends of the phases compete.
        """
        settings = self._setup.settings
        if settings.choose == "phase" and row["epoch"] not in (settings.head_epochs, settings.epochs):
            return None
        return row["val_balanced_accuracy"], -row["val_loss"]

    def is_over(self, progress: Progress) -> bool:
        return out_of_patience(progress, self._setup.settings)

    def state(self) -> dict[str, Tensor]:
        """Nothing: order and augmentation of an epoch derive from (seed, epoch)."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        return

    def test(self) -> Evaluation:
        """Evaluate the test images, once and at the end, as the network will be used.

        Raises:
            NetlabError: the network gives no finite logits for them.
        """
        first = self.network.frozen if isinstance(self.network, PretrainedNetwork) else 0
        test = images_on(self._setup.splits.test, self._setup.device)
        found = self.evaluate(test, views=self._setup.settings.views_in_use, first=first)
        if not math.isfinite(found.loss):
            raise NetlabError(
                f"the loss on the test images is {found.loss}: the network gives no finite logits for them"
            )
        return found

    def evaluate(self, data: LabelledImages, *, views: Views = ONE_VIEW, first: int = 0) -> Evaluation:
        """Evaluate the network on images in these views; every rank takes its share of the batches.

        ``first`` is the first layer that is run: those before it are frozen.
        """
        setup, ranks = self._setup, self._setup.ranks
        share = {"first": ranks.rank, "every": ranks.world}
        if self._frozen is not None and first:
            seen = [self._frozen.of_images(data, first, view) for view in views]
            batches = batches_of_outputs(seen, data.labels, EVALUATION_BATCH, **share)
        else:
            images = evaluation_batches(data, setup.normalization, EVALUATION_BATCH, **share)
            batches = (([view(inputs) for view in views], labels) for inputs, labels in images)
        return evaluate(
            self.network,
            batches,
            classes=setup.classes,
            precision=setup.precision,
            views=views,
            first=first,
            ranks=ranks,
        )


def out_of_patience(progress: Progress, settings: TrainingSettings) -> bool:
    """Whether the validation has not improved for ``patience`` epochs."""
    return settings.patience > 0 and progress.epoch - progress.best_epoch >= settings.patience


def images_on(data: LabelledImages, device: torch.device) -> LabelledImages:
    """The images on the device, still uint8."""
    return LabelledImages(data.images.to(device), data.labels.to(device))
