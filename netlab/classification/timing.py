"""How long a training step takes."""

from __future__ import annotations

import time

import torch
from torch import nn

from netlab.classification.assembly import Assembly
from netlab.classification.optimization import loss_of, optimization_of
from netlab.training.elu import use_blockwise_elu


def time_step(
    network: nn.Module,
    assembly: Assembly,
    *,
    image_shape: tuple[int, ...],
    classes: int,
    batch: int,
    device: torch.device,
    precision: str,
) -> float:
    """Seconds of one forward, backward and optimizer step on random images, after one to warm up.

    The network is changed by it. ``image_shape`` is (channels, height, width).
    """
    network = network.to(device).train()
    if assembly.settings.channels_last:
        network = network.to(memory_format=torch.channels_last)
    if precision == "bf16" and device.type == "cpu":
        use_blockwise_elu(network)
    optimizer = optimization_of(assembly).make_optimizer(network)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, *image_shape, generator=generator)
    images = images.to(device).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(classes, (batch,), generator=generator).to(device)
    targets, loss_function = nn.functional.one_hot(labels, classes).float(), loss_of(assembly.parts["loss"])
    seconds = 0.0
    for _ in range(2):
        began = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = network(images)
        loss = loss_function(logits.float(), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        float(loss.detach())
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - began
    return seconds
