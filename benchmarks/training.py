"""Images a second: netlab's data path and step against the plain way, in one run.

    python benchmarks/training.py [--steps 12] [--rounds 3] [--workers 2]

The plain way is what a first tutorial does: torchvision transforms image by image through a
DataLoader, float32, contiguous tensors, ``nn.ELU``. Both train the same networks on the same random
images of 3x32x32 with the same augmentation (flip, reflect-pad translation), batch 128. The sides take
turns, and the best round of each counts. Then: where netlab's time goes, and how far the convolutions
are from what the processor multiplies at best.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from netlab.data.batches import TrainingBatches
from netlab.data.normalize import Normalization
from netlab.engine.catalog import Catalog, Part
from netlab.engine.manager import PluginManager
from netlab.kinds.dataset import LabelledImages
from netlab.network import assemble, summarize
from netlab.runs.environment import processor_name
from netlab.training.device import choose_precision
from netlab.training.elu import use_blockwise_elu

BATCH = 128
MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
ASSEMBLIES: list[tuple[str, dict[str, Any], str]] = [
    ("residual", {}, "none"),
    ("residual", {}, "bn"),
    ("grouped", {"paths": 4}, "bn"),
]
CPU = torch.device("cpu")


def network(catalog: Catalog, block: str, options: dict[str, Any], norm: str) -> nn.Sequential:
    def part(kind: str, name: str, values: dict[str, Any]) -> Part:
        component = catalog.find(kind, name)
        return Part(component, component.make_options(values))

    parts = {
        "backbone": part("backbone", "compact", {}), "block": part("block", block, options),
        "norm": part("norm", norm, {}), "activation": part("activation", "elu", {}),
    }  # fmt: skip
    return assemble(
        parts,
        in_channels=3, image_size=(32, 32), classes=10,
    )  # fmt: skip


class PlainImages(Dataset[tuple[Tensor, int]]):
    """Random images with transforms, one by one."""

    def __init__(self, images: np.ndarray, labels: list[int]) -> None:
        self.images, self.labels = images, labels
        self.transform = transforms.Compose(
            [
                transforms.RandomHorizontalFlip(),
                transforms.RandomCrop(32, padding=4, padding_mode="reflect"),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def sgd(module: nn.Module) -> torch.optim.SGD:
    return torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)


class Side:
    """One way to train: batches, a step, and the seconds that each stage of it took."""

    def __init__(
        self, module: nn.Module, batches: Callable[[], Iterator[tuple[Tensor, Tensor]]], bf16: bool
    ) -> None:
        self.module, self.batches, self.bf16 = module.train(), batches, bf16
        self.optimizer = sgd(module)
        self.stages = dict.fromkeys(("data", "forward", "backward", "step"), 0.0)

    def run(self, steps: int) -> float:
        """Images a second over ``steps`` steps, the first batch's wait included."""
        began = last = time.perf_counter()
        for position, (images, labels) in enumerate(self.batches()):
            if position == steps:
                break
            marks = [last, time.perf_counter()]
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
                logits = self.module(images)
            loss = nn.functional.cross_entropy(logits.float(), labels, label_smoothing=0.1)
            float(loss.detach())
            marks.append(time.perf_counter())
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            marks.append(time.perf_counter())
            self.optimizer.step()
            marks.append(time.perf_counter())
            for stage, start, end in zip(self.stages, marks, marks[1:], strict=False):
                self.stages[stage] += end - start
            last = marks[-1]
        return steps * BATCH / (time.perf_counter() - began)


def gemm_rate(dtype: torch.dtype, size: int = 2048) -> float:
    """The best GFLOP/s of a square matrix product, for scale."""
    a, b = torch.randn(size, size, dtype=dtype), torch.randn(size, size, dtype=dtype)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best / 1e9


GROUPS = {
    "convolutions": ("convolution",),
    "ELU": ("elu", "BlockwiseELU", "aten::clamp", "aten::exp_", "aten::maximum", "aten::sub_"),
    "norms": ("batch_norm",),
    "pooling": ("max_pool", "avg_pool"),
    "copies and fills": ("copy", "fill", "zero"),
}


def profile_steps(side: Side, macs: int, bf16: bool) -> None:
    """Print where the time of a step goes, and the convolutions' share of the processor's best."""
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        side.run(3)
    events = recorded.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    shares = dict.fromkeys((*GROUPS, "the rest"), 0.0)
    for event in events:
        group = next((g for g, marks in GROUPS.items() if any(m in event.key for m in marks)), "the rest")
        shares[group] += event.self_cpu_time_total / total
    print("    a step's time by operation: " + ", ".join(f"{g} {s:.0%}" for g, s in shares.items()))
    seconds = shares["convolutions"] * total / 1e6 / 3
    achieved = 3 * 2 * macs * BATCH / seconds / 1e9  # forward, gradient of input, gradient of weight
    peak = gemm_rate(torch.bfloat16 if bf16 else torch.float32)
    print(
        f"    convolutions run at {achieved:.0f} GFLOP/s, {achieved / peak:.0%} of a large matrix product"
        f" ({peak:.0f}): the first layer has 3 channels, and weight gradients sum over all pixels;"
        " the other operations move memory and multiply nothing"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="of the plain way's DataLoader")
    options = parser.parse_args()
    catalog = Catalog(PluginManager.from_environment())
    bf16 = choose_precision("auto", CPU) == "bf16"
    print(f"{processor_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        f"netlab: {'bf16' if bf16 else 'float32'}, channels last; plain: float32, {options.workers} workers\n"
    )

    rng = np.random.default_rng(0)
    count = (options.steps + 1) * BATCH
    array, labels = rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, count)
    images = torch.from_numpy(array).permute(0, 3, 1, 2).contiguous()
    data = LabelledImages(images, torch.from_numpy(labels))
    augmentations = [catalog.find("augmentation", name) for name in ("flip", "translate")]
    chain = [Part(component, component.make_options({})) for component in augmentations]
    batches = TrainingBatches(data, Normalization(MEAN, STD), chain, 10, BATCH, 0)
    loader = DataLoader(
        PlainImages(array, labels.tolist()), batch_size=BATCH, shuffle=True, num_workers=options.workers,
        persistent_workers=options.workers > 0,
    )  # fmt: skip

    print("  block      norm   netlab images/s   plain images/s   ratio   data and bookkeeping")
    for block, block_options, norm in ASSEMBLIES:
        fast = network(catalog, block, block_options, norm).to(memory_format=torch.channels_last)
        if bf16:
            use_blockwise_elu(fast)
        ours = Side(fast, lambda: batches.epoch(1), bf16)
        plain = Side(network(catalog, block, block_options, norm), lambda: iter(loader), False)
        for side in (ours, plain):
            side.run(2)
            side.stages = dict.fromkeys(side.stages, 0.0)
        rates = [(ours.run(options.steps), plain.run(options.steps)) for _ in range(options.rounds)]
        ours_rate, plain_rate = (max(rate) for rate in zip(*rates, strict=True))
        ratio = statistics.median(a / b for a, b in rates)
        overhead = ours.stages["data"] / sum(ours.stages.values())
        title = f"{block}-{block_options['paths']}" if block_options else block
        print(
            f"  {title:<10} {norm:<6} {ours_rate:>15.0f} {plain_rate:>16.0f} {ratio:>7.2f} {overhead:>14.1%}"
        )
        macs = sum(layer.macs for layer in summarize(fast.float(), in_channels=3, image_size=(32, 32)))
        profile_steps(ours, macs, bf16)


if __name__ == "__main__":
    main()
