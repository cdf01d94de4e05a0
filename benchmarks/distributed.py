"""Images a second: one process with all threads against processes of one thread each, in one run.

    python benchmarks/distributed.py [--processes 2] [--rounds 2] [--epochs 4] [any flag of netlab run]

Runs the real commands, `netlab run` and `torchrun -m netlab run`, on the same configuration in turns. The
speed is that of the epochs after the first, their median.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from netlab.launch import usable_processors
from netlab.runs.environment import processor_name


def speeds(folder: Path, launcher: list[str], words: list[str]) -> list[float]:
    """Images a second of every epoch but the first."""
    subprocess.run(
        [sys.executable, "-m", *launcher, "run", "--quiet", "--name", "timed", *words],
        cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ,
    )  # fmt: skip
    rows = csv.DictReader((folder / "runs" / "timed" / "history.csv").open())
    return [float(row["images_per_second"]) for row in rows][1:]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=usable_processors())
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=4)
    options, words = parser.parse_known_args()
    words = words or ["--block", "grouped", "--norm", "bn"]
    count = options.processes
    torchrun = ["torch.distributed.run", "--nproc-per-node", str(count), "-m", "netlab"]
    sides = {
        f"1 process, {count} threads": (["netlab"], ["--threads", str(count)]),
        f"{count} processes, 1 thread each": (torchrun, ["--threads", "1"]),
        "the same, --no-sync-bn": (torchrun, ["--threads", "1", "--no-sync-bn"]),
    }
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, (launcher, more) in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name] += speeds(
                    Path(folder), launcher, [*words, "--epochs", str(options.epochs), *more]
                )
    print(f"{processor_name()}, torch {torch.__version__}; netlab run {' '.join(words)}\n")
    first = statistics.median(next(iter(found.values())))
    for name, rates in found.items():
        speed = statistics.median(rates)
        spread = f"{min(rates):.0f} to {max(rates):.0f}"
        print(f"  {name:<28} {speed:6.0f} images/s ({spread}), ratio {speed / first:.2f}")


if __name__ == "__main__":
    main()
