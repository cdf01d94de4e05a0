"""What the frozen layers of a network give for images: computed once, kept on disk, the same to the bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netlab.data.batches import TrainingBatches, evaluation_batches
from netlab.data.cache import array_digest, cache_key, cached_tensors
from netlab.data.normalize import Normalization
from netlab.data.views import View
from netlab.kinds.dataset import LabelledImages
from netlab.pretrained import PretrainedNetwork

FORMAT = 1  # of what is kept: raised when the same key would mean another value
BATCH = 32  # images at a time: the maps of more no longer fit the processor's caches


@dataclass(frozen=True, slots=True)
class FrozenOutputs:
    """Outputs of the first layers of ``network`` in evaluation mode, for images of a run.

    ``precision`` is ``bf16`` or ``fp32``; ``augmentations`` describes what is done to training images;
    outputs are kept in ``folder``, if there is one. Layers that learn later must be as they came with their
    weights when their outputs are asked for, which those of the first epochs are.
    """

    network: PretrainedNetwork
    normalization: Normalization
    precision: str
    device: torch.device
    augmentations: Any
    folder: Path | None

    def of_view(self, batches: TrainingBatches, number: int, stop: int) -> tuple[Tensor, Tensor]:
        """Outputs (N, ...) of the layers before ``stop``, and targets float32 (N, classes), of all training
        images in view ``number``; in the order of the images."""

        def compute() -> dict[str, Tensor]:
            outputs: Tensor | None = None
            targets = torch.empty(len(batches.data), batches.classes)
            for indices, images, batch_targets in batches.view(number, BATCH):
                found = self._run(images, 0, start)
                if outputs is None:
                    outputs = torch.empty(len(batches.data), *found.shape[1:], dtype=found.dtype)
                outputs[indices] = found
                targets[indices] = batch_targets.cpu()
            assert outputs is not None
            return {"outputs": outputs, "targets": targets}

        start = self.network.frozen or stop
        key = self._key(batches.data, stop=start, view=number, seed=batches.seed, augment=self.augmentations)
        found = cached_tensors(self.folder, key, compute)
        return self._further(found["outputs"], start, stop), found["targets"]

    def of_images(self, data: LabelledImages, stop: int, view: View) -> Tensor:
        """Outputs (N, ...) of the layers before ``stop`` for images as they are seen in a view."""

        def compute() -> dict[str, Tensor]:
            batches = evaluation_batches(data, self.normalization, BATCH)
            found = [self._run(view(images), 0, start) for images, _ in batches]
            return {"outputs": torch.cat(found)}

        start = self.network.frozen or stop
        key = self._key(data, stop=start, mirrored=view.mirrored, shift=view.shift)
        return self._further(cached_tensors(self.folder, key, compute)["outputs"], start, stop)

    def _further(self, outputs: Tensor, start: int, stop: int) -> Tensor:
        """Outputs of the layers before ``start`` put through those before ``stop``."""
        if start == stop:
            return outputs
        return torch.cat([self._run(part, start, stop) for part in outputs.split(BATCH)])

    def _run(self, inputs: Tensor, first: int, stop: int) -> Tensor:
        network, was_training = self.network, self.network.training
        network.eval()
        with (
            torch.no_grad(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"),
        ):
            found = network.until(on_device(inputs, self.device), first, stop)
        network.train(was_training)
        # A convolution under autocast gives bf16, whose twice as many bits would hold nothing more.
        return found.cpu().contiguous()

    def _key(self, data: LabelledImages, **more: Any) -> str:
        return cache_key(
            format=FORMAT,
            weights=self.network.weights_sha256,
            images=array_digest(data.images.cpu().numpy()),
            labels=array_digest(data.labels.cpu().numpy()),
            normalization=repr(self.normalization),
            precision=self.precision,
            device=self.device.type,
            torch=torch.__version__,
            **more,
        )


def on_device(inputs: Tensor, device: torch.device) -> Tensor:
    """Inputs on the device, maps with their channels last in memory, as convolutions like them."""
    moved = inputs.to(device)
    return moved.contiguous(memory_format=torch.channels_last) if moved.ndim == 4 else moved


def batches_of_outputs(
    seen: Sequence[Tensor], labels: Tensor, batch_size: int, *, first: int, every: int
) -> Iterator[tuple[list[Tensor], Tensor]]:
    """Outputs of the same images seen in several ways, and labels: batch ``first`` and each ``every``-th."""
    for start in range(first * batch_size, len(labels), every * batch_size):
        batch = slice(start, start + batch_size)
        yield [on_device(outputs[batch], labels.device) for outputs in seen], labels[batch]
