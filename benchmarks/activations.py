"""What an activation costs: nanoseconds an element, forward and backward, as a training step has it.

    python benchmarks/activations.py [--rounds 7]

Each of netlab's activations on maps of 128 x 64 x 16 x 16, channels last, bf16 where the processor multiplies
it (ELU then in netlab's blocks), one thread, processor time. The activations take turns; the best round counts.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import nn

from netlab.engine.catalog import Catalog
from netlab.engine.manager import PluginManager
from netlab.runs.environment import processor_name
from netlab.training.device import choose_precision
from netlab.training.elu import use_blockwise_elu

SHAPE = (128, 64, 16, 16)


def nanoseconds(layer: nn.Module, x: torch.Tensor, gradient: torch.Tensor) -> float:
    """Of one element, forward and backward."""
    began = time.process_time()
    layer(x.requires_grad_()).backward(gradient)
    return (time.process_time() - began) / x.numel() * 1e9


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bf16 = choose_precision("auto", torch.device("cpu")) == "bf16"
    print(f"{processor_name()}, one thread, torch {torch.__version__}, {'bf16' if bf16 else 'float32'}\n")
    dtype = torch.bfloat16 if bf16 else torch.float32
    layers = {}
    for component in Catalog(PluginManager.from_environment()).of_kind("activation"):
        layer = nn.Sequential(component.build(options=component.make_options({})))
        if bf16:
            use_blockwise_elu(layer)
        layers[component.name] = layer
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(SHAPE, generator=generator).to(dtype).contiguous(memory_format=torch.channels_last)
    gradient = torch.randn(SHAPE, generator=generator).to(dtype)
    gradient = gradient.contiguous(memory_format=torch.channels_last)
    best = dict.fromkeys(layers, float("inf"))
    for _ in range(options.rounds):
        for name, layer in layers.items():
            best[name] = min(best[name], nanoseconds(layer, x.detach(), gradient))
    print("  activation   ns an element   of ELU")
    for name, value in sorted(best.items(), key=lambda item: item[1]):
        print(f"  {name:<12} {value:>13.2f} {value / best['elu']:>8.2f}")


if __name__ == "__main__":
    main()
