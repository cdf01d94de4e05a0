"""Accuracy over processor seconds: recipes of netlab and a plain PyTorch loop, each a process of its own.

    python benchmarks/frontier.py measure cifar10.npz lean:3 lean:7 lean64:8 fast:1 plain:1 --seeds 0 1 2
    python benchmarks/frontier.py table
    python benchmarks/frontier.py plot docs/images/frontier.png

A point is SERIES:EPOCHS. Seconds are user and system time of the whole process with one thread, from its start
to the test accuracy: imports, whitening, validation after every epoch and, where a series averages them, six
views of each test image are in it. Rows are added to ``frontier.csv``; ``measure`` passes over those that are
there. ``plain`` is the network of ``fast`` trained as a short script would: all images in one tensor, crops
and flips by the batch, bf16 autocast, channels last, one linear cycle; no validation.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from netlab.runs.environment import processor_name

COMPACT = ("--block", "residual", "--norm", "bn")
SERIES = {
    "lean": ("--recipe", "lean"),
    "lean64": ("--recipe", "lean", "--backbone.width", "64"),
    "fast": ("--recipe", "fast", *COMPACT),
    "plain": (),
}
TITLES = {
    "lean": "--recipe lean",
    "lean64": "--recipe lean --width 64",
    "fast": "--recipe fast --block residual --norm bn",
    "plain": "the same network in a plain PyTorch loop",
}
COLUMNS = ("series", "epochs", "seed", "cpu_seconds", "accuracy", "single_view", "processor")
Row = dict[str, str]


def measure(data: Path, series: str, epochs: int, seed: int) -> Row:
    """Train and test in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        if series == "plain":
            words = [__file__, "plain-loop", str(data), str(epochs), str(seed)]
        else:
            words = [
                "-m", "netlab", "run", "--data", "npz", "--data.path", str(data), *SERIES[series],
                "--epochs", str(epochs), "--seed", str(seed), "--threads", "1", "--runs", folder, "--quiet",
            ]  # fmt: skip
        child = subprocess.Popen(
            [sys.executable, *words], env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        printed = child.stdout.read().decode()
        _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{series}:{epochs} ended with status {os.waitstatus_to_exitcode(status)}")
    found = json.loads(printed.splitlines()[-1])
    return {
        "series": series, "epochs": str(epochs), "seed": str(seed),
        "cpu_seconds": f"{used.ru_utime + used.ru_stime:.1f}", "accuracy": f"{found['test_accuracy']:.4f}",
        "single_view": f"{found.get('test_accuracy_single_view', found['test_accuracy']):.4f}",
        "processor": processor_name(),
    }  # fmt: skip


def cropped(images: Tensor, generator: torch.Generator) -> Tensor:
    """A batch uint8 (N, 3, 32, 32), each image padded by 4, cut out somewhere and perhaps mirrored."""
    count = len(images)
    padded = nn.functional.pad(images.float(), (4,) * 4, mode="reflect")
    rows, columns = torch.randint(0, 9, (2, count), generator=generator)[:, :, None] + torch.arange(32)
    columns = torch.where(torch.rand(count, 1, generator=generator) < 0.5, columns.flip(1), columns)
    number = torch.arange(count)[:, None, None]
    return padded[number, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def plain_loop(data: Path, epochs: int, seed: int) -> None:
    """Train the network of ``fast`` on all but a tenth of the training images, and print its test accuracy."""
    from netlab.engine.catalog import Catalog, Part
    from netlab.engine.manager import PluginManager
    from netlab.network import assemble

    torch.set_num_threads(1)
    catalog = Catalog(PluginManager.from_environment())
    chosen = {"backbone": "compact", "block": "residual", "norm": "bn", "activation": "elu"}
    parts = {
        kind: Part(found := catalog.find(kind, name), found.make_options({})) for kind, name in chosen.items()
    }
    network = assemble(parts, in_channels=3, image_size=(32, 32), classes=10, seed=seed)
    network = network.to(memory_format=torch.channels_last)
    arrays = np.load(data)
    images, test = (torch.from_numpy(arrays[f"{p}_images"]).permute(0, 3, 1, 2) for p in ("train", "test"))
    labels, test_labels = (torch.from_numpy(arrays[f"{p}_labels"]) for p in ("train", "test"))
    generator = torch.Generator().manual_seed(seed)
    count = len(images) * 9 // 10
    steps = epochs * (count // 128)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, foreach=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=steps, pct_start=0.25, anneal_strategy="linear", cycle_momentum=False
    )

    def logits(batch: Tensor) -> Tensor:
        inputs = ((batch - 120) / 64).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            return network(inputs).float()

    for _ in range(epochs):
        order = torch.randperm(count, generator=generator)
        for indices in order[: count // 128 * 128].split(128):
            loss = nn.functional.cross_entropy(
                logits(cropped(images[indices], generator)), labels[indices], label_smoothing=0.1
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        predicted = torch.cat([logits(batch.float()).argmax(1) for batch in test.split(256)])
    print(json.dumps({"test_accuracy": float((predicted == test_labels).float().mean())}))


def read(path: Path) -> list[Row]:
    """The rows that were measured, none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def points(rows: list[Row]) -> dict[str, list[tuple[int, float, list[float], list[float]]]]:
    """Of each series, by epochs: mean seconds, the accuracies of all seeds, and those of one view."""
    grouped: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["series"], int(row["epochs"])].append(row)
    found = defaultdict(list)
    for (series, epochs), members in sorted(grouped.items()):
        seconds = statistics.mean(float(row["cpu_seconds"]) for row in members)
        accuracies = [[float(row[name]) for row in members] for name in ("accuracy", "single_view")]
        found[series].append((epochs, seconds, accuracies[0], accuracies[1]))
    return found


def print_table(rows: list[Row]) -> None:
    """Every point, its seeds, seconds and accuracies."""
    print("  series   epochs  seeds  CPU seconds  test accuracy (least to most)  of one view")
    for series, found in points(rows).items():
        for epochs, seconds, accuracies, singles in found:
            spread = f"{statistics.mean(accuracies):.4f} ({min(accuracies):.4f} to {max(accuracies):.4f})"
            print(
                f"  {series:<8} {epochs:>6} {len(accuracies):>6} {seconds:>12.0f}  {spread:>29}"
                f" {statistics.mean(singles):>12.4f}"
            )


def plot(rows: list[Row], out: Path) -> None:
    """Mean accuracy over mean seconds, with the range of the seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for series, found in points(rows).items():
        seconds = [point[1] for point in found]
        means = [statistics.mean(point[2]) for point in found]
        ends = [
            [mean - min(point[2]) for mean, point in zip(means, found, strict=True)],
            [max(point[2]) - mean for mean, point in zip(means, found, strict=True)],
        ]
        (line,) = axes.plot(seconds, means, marker="o", label=TITLES[series])
        axes.errorbar(seconds, means, ends, fmt="none", ecolor=line.get_color(), capsize=3)
        for point, mean in zip(found, means, strict=True):
            unit = "epoch" if point[0] == 1 else "epochs"
            axes.annotate(
                f"{point[0]} {unit}", (point[1], mean), (6, -11), textcoords="offset points", size=8
            )
    axes.set_xscale("log")
    ticks = [50, 100, 200, 500, 1000, 2000]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel(f"processor seconds of one thread, start and test included ({rows[0]['processor']})")
    axes.set_ylabel("test accuracy")
    axes.set_title("CIFAR-10, JPEG copy", loc="left")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(out, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path, default=Path("frontier.csv"))
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("data", type=Path)
    measuring.add_argument("points", nargs="+", metavar="SERIES:EPOCHS")
    measuring.add_argument("--seeds", type=int, nargs="+", default=[0])
    commands.add_parser("table")
    commands.add_parser("plot").add_argument("out", type=Path)
    plain = commands.add_parser("plain-loop")
    plain.add_argument("data", type=Path)
    plain.add_argument("epochs", type=int)
    plain.add_argument("seed", type=int)
    options = parser.parse_args()
    if options.command == "plain-loop":
        plain_loop(options.data, options.epochs, options.seed)
    elif options.command == "measure":
        for point in options.points:
            series, _, epochs = point.partition(":")
            for seed in options.seeds:
                rows = read(options.rows)
                key = [series, epochs, str(seed)]
                if key not in [[row["series"], row["epochs"], row["seed"]] for row in rows]:
                    rows.append(measure(options.data, series, int(epochs), seed))
                    with options.rows.open("w", newline="") as file:
                        writer = csv.DictWriter(file, COLUMNS)
                        writer.writeheader()
                        writer.writerows(rows)
        print_table(read(options.rows))
    elif options.command == "table":
        print_table(read(options.rows))
    else:
        plot(read(options.rows), options.out)


if __name__ == "__main__":
    main()
