"""Batch normalization over the images of all processes that train one network.

``torch.nn.SyncBatchNorm`` does it on GPUs only; this one is for processors. Each process sends the mean,
the variance and the number of its own values, and merges what it receives, so that every image is
normalized by the statistics of the whole batch, as in one process, whatever the shares are.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F

BatchNorm = nn.modules.batchnorm._BatchNorm


def synchronize_batch_norms(network: nn.Module, device: torch.device) -> nn.Module:
    """The network with every batch norm replaced by a synchronized one that shares its parameters and
    buffers; names stay.

    A layer counts when it runs ``nn.BatchNorm1d``'s (2d's, 3d's) own forward, by whatever class. One with
    a forward of its own keeps it, and so keeps statistics of its process's images.
    """
    if plain_batch_norm(network):
        return synchronized(network, device)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if plain_batch_norm(child):
                setattr(module, name, synchronized(child, device))
    return network


def plain_batch_norm(module: nn.Module) -> bool:
    return isinstance(module, BatchNorm) and type(module).forward is BatchNorm.forward


def synchronized(module: nn.Module, device: torch.device) -> nn.Module:
    """The layer that takes the place of a batch norm."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)
    assert isinstance(module, BatchNorm)
    layer = SynchronizedBatchNorm(
        module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats
    )
    layer.weight, layer.bias = module.weight, module.bias
    layer.running_mean, layer.running_var = module.running_mean, module.running_var
    layer.num_batches_tracked = module.num_batches_tracked
    # A graph can not hold what waits for other processes.
    layer.forward = torch.compiler.disable(layer.forward)  # type: ignore[method-assign]
    return layer.train(module.training)


class SynchronizedBatchNorm(BatchNorm):
    """``nn.BatchNorm`` of any number of dimensions, whose training statistics are those of all processes."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected at least 2 dimensions, got {input.ndim}")

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, ...) float32, float64 or bf16 to the same.

        Raises:
            ValueError: there is a single value a channel, in all processes together.
        """
        if not self.training:
            return super().forward(input)
        self._check_input_dim(input)
        mean, variance, count = batch_statistics(input)
        if count < 2:
            raise ValueError("batch normalization needs more than 1 value per channel in training")
        self.update_running_statistics(mean, variance * (count / (count - 1)))
        return NormalizeFunction.apply(input, self.weight, self.bias, mean, variance, count, self.eps)

    @torch.no_grad()
    def update_running_statistics(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        """As ``nn.BatchNorm`` does: momentum None is the average of all batches."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        weight = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), weight)
        self.running_var.lerp_(unbiased_variance.to(self.running_var.dtype), weight)


@torch.no_grad()
def batch_statistics(x: Tensor) -> tuple[Tensor, Tensor, int]:
    """Mean and biased variance a channel of ``x`` (N, C, ...) over all processes, and the number of values.

    Merged by ``mean = sum(n m) / sum(n)``, ``var = sum(n (v + (m - mean)^2)) / sum(n)`` in float64, which
    does not cancel as the difference of two sums of squares would.
    """
    channels = x.shape[1]
    precise = torch.float64 if x.dtype == torch.float64 else torch.float32
    # The statistics that F.batch_norm takes, without its output; the running ones are not wanted here.
    own_mean, own_variance = torch.batch_norm_update_stats(
        x, torch.zeros(channels, dtype=precise), torch.zeros(channels, dtype=precise), 0.0
    )
    own_count = torch.tensor([x.numel() / channels], dtype=torch.float64)
    own = torch.cat([own_mean.double(), own_variance.double(), own_count])
    every = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(every, own)
    means, variances, counts = torch.stack(every).split([channels, channels, 1], dim=1)
    count = counts.sum()
    mean = (counts * means).sum(0) / count
    variance = (counts * (variances + (means - mean) ** 2)).sum(0) / count
    return mean.to(precise), variance.to(precise), int(count)


class NormalizeFunction(torch.autograd.Function):
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` with statistics of all processes.

    With y = (x - mean) / sqrt(variance + eps), g the gradient of the output and N the number of values a
    channel, all over all processes, the gradient of ``x`` is
    ``weight / sqrt(variance + eps) * (g - sum(g) / N - y * sum(g * y) / N)``
    (Ioffe and Szegedy 2015, section 3). Those of weight and bias are this process's own sums, as every
    other parameter's: averaging them is the caller's.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        count: int,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.count, ctx.eps = count, eps
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, variance = ctx.saved_tensors
        if weight is None:
            weight = torch.ones_like(mean)
        # In evaluation mode, mean and variance are constants: the first term, and the two sums.
        first, weight_gradient, bias_gradient = torch.ops.aten.native_batch_norm_backward(
            gradients[0], x, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        sums = torch.stack([bias_gradient, weight_gradient])
        distributed.all_reduce(sums)
        scale = weight / (ctx.count * (variance + ctx.eps).sqrt())
        rest = F.batch_norm(x, mean, variance, scale * sums[1], scale * sums[0], training=False, eps=ctx.eps)
        needed = ctx.needs_input_grad
        return (
            first - rest if needed[0] else None,
            weight_gradient if needed[1] else None,
            bias_gradient if needed[2] else None,
            None, None, None, None,
        )  # fmt: skip
