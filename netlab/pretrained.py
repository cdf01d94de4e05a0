"""A network that starts from weights that were trained on other images, part of it frozen."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from netlab.engine.catalog import Component, Part
from netlab.errors import UsageError
from netlab.kinds.backbone import Pretrained, Trunk
from netlab.kinds.block import Size

BATCH_NORMS = nn.modules.batchnorm._BatchNorm


class PretrainedNetwork(nn.Sequential):
    """A trunk with its weights, then a classifier of its own: images float (N, 3, H, W) to logits.

    The first ``trunk`` layers end in features (N, D), then come ``standardize`` and ``dense``. ``frozen`` of
    the layers, from the first on, do not learn. ``weights`` says where the trunk's came from,
    ``weights_sha256`` is a digest of it as it was made.
    """

    def __init__(
        self, trunk: Mapping[str, nn.Module], head: Mapping[str, nn.Module], *, weights: str = "random"
    ) -> None:
        super().__init__(OrderedDict({**trunk, **head}))
        self.trunk = len(trunk)
        self.frozen = 0
        self.weights = weights
        self.weights_sha256 = digest_of_state(nn.Sequential(*trunk.values()))

    def forward(self, input: Tensor, first: int = 0) -> Tensor:
        """Logits of images, or of what the layers before ``first`` made of them."""
        for layer in list(self)[first:]:
            input = layer(input)
        return input

    def until(self, inputs: Tensor, first: int, stop: int) -> Tensor:
        """What layers ``first`` to ``stop`` - 1 make of it."""
        for layer in list(self)[first:stop]:
            inputs = layer(inputs)
        return inputs

    def freeze(self, count: int) -> None:
        """Let the first ``count`` layers learn nothing."""
        self.frozen = count
        for place, layer in enumerate(self):
            layer.requires_grad_(place >= count)
        self.train(self.training)

    def train(self, mode: bool = True) -> PretrainedNetwork:
        """Frozen layers stay in evaluation mode, and so do all batch norms of a trunk that is partly frozen.

        Statistics of a few small batches are worse than those of the weights: learnt on 170 photographs, .954
        of others were right with such in the last blocks, .963 without.
        """
        super().train(mode)
        if self.frozen:
            for place, layer in enumerate(list(self)[: self.trunk]):
                if place < self.frozen:
                    layer.eval()
                else:
                    for module in layer.modules():
                        if isinstance(module, BATCH_NORMS):
                            module.eval()
        return self

    def learning_layers(self) -> list[int]:
        """The places of the trunk's layers that have parameters, in order."""
        return [
            place
            for place, layer in enumerate(self)
            if place < self.trunk and next(layer.parameters(), None) is not None
        ]

    def frozen_for(self, train: str) -> int:
        """How many layers are frozen for ``head``, ``blocks:N`` or ``all``.

        Raises:
            UsageError: there are not so many layers.
        """
        if train == "all":
            return 0
        if train == "head":
            return self.trunk
        blocks, layers = int(train.removeprefix("blocks:")), self.learning_layers()
        if blocks > len(layers):
            raise UsageError(f"--train {train}: the backbone has {len(layers)} layers with weights")
        return layers[-blocks] if blocks else self.trunk


def pretrained_from(backbone: Part, *, weights: str, offline: bool) -> Pretrained:
    """A pretrained backbone, whose trunk is not made yet.

    Raises:
        UsageError: there is no such network.
        PluginError: it broke its contract.
    """
    component = backbone.component
    found = component.build(weights=weights, offline=offline, options=backbone.options)
    if not isinstance(found, Pretrained):
        raise component.broke(f"it is tagged 'pretrained' but gave {type(found).__name__}, not Pretrained")
    return found


def with_head(
    component: Component, pretrained: Pretrained, *, in_channels: int, image_size: Size, classes: int
) -> PretrainedNetwork:
    """The trunk of a pretrained backbone, with a classifier that says nothing yet: all logits are 0.

    Raises:
        UsageError: its weights are not there or do not fit, or it takes no such images.
        PluginError: it broke its contract.
    """
    if in_channels != 3:
        raise UsageError(f"{component.title} takes images in colour, and those of this data set are grey")
    trunk = component.call(pretrained.make_trunk)
    if not isinstance(trunk, Trunk):
        raise component.broke(f"make_trunk gave {type(trunk).__name__}, not a Trunk")
    layers = dict(trunk.layers)
    found = passed(component, nn.Sequential(*layers.values()), image_size)
    if found.ndim == 4:
        layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
    if found.ndim not in (2, 4) or found.shape[1] != trunk.features:
        raise component.broke(
            f"its layers give {tuple(found.shape)}, expected {(1, trunk.features)} or such a map"
        )
    dense = nn.Linear(trunk.features, classes)
    nn.init.zeros_(dense.weight)
    nn.init.zeros_(dense.bias)
    head = {"standardize": nn.BatchNorm1d(trunk.features, affine=False), "dense": dense}
    return PretrainedNetwork(layers, head, weights=trunk.weights)


def passed(component: Component, trunk: nn.Sequential, image_size: Size) -> Tensor:
    """What the trunk makes of one black image.

    Raises:
        UsageError: it takes no image of this size.
    """
    try:
        with torch.no_grad():
            found: Tensor = trunk.eval()(torch.zeros(1, 3, *image_size))
    except (RuntimeError, ValueError, AssertionError) as error:
        height, width = image_size
        reason = " ".join(str(error).split())[:120]
        raise UsageError(f"{component.title} takes no images of {height} x {width}: {reason}") from error
    return found


def digest_of_state(module: nn.Module) -> str:
    """SHA-256 of all weights and buffers, by name."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
