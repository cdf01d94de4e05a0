"""One process with all threads against processes of one thread each: images a second, and CPU time.

    python benchmarks/data_parallel.py [--processes 2] [--rounds 2] [--epochs 3] [any flag of netlab run]

Runs the real commands, `netlab run` and `torchrun -m netlab run`, on the same configuration in turns. The
speed is the median of the epochs after the first. CPU seconds are those of a run of all epochs less those
of a run of one, so that the start counts for nothing; unlike the speed they mean something on a busy
machine too.
"""

from __future__ import annotations

import argparse
import csv
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import torch

from netlab.launch import usable_processors
from netlab.runs.environment import processor_name


@dataclass
class Side:
    """A way to start the run, and what was measured of it."""

    launcher: list[str]
    flags: list[str]
    speeds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # seconds an epoch

    def run(self, words: list[str], epochs: int) -> tuple[float, list[float]]:
        """CPU seconds of all its processes, and images a second of every epoch."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, "-m", *self.launcher, "run", "--quiet", "--name", "timed", *words,
                 "--epochs", str(epochs), *self.flags],
                cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            rows = list(csv.DictReader((Path(folder) / "runs" / "timed" / "history.csv").open()))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return used, [float(row["images_per_second"]) for row in rows]

    def measure(self, words: list[str], epochs: int) -> None:
        one, _ = self.run(words, 1)
        many, speeds = self.run(words, epochs)
        self.cpu.append((many - one) / (epochs - 1))
        self.speeds += speeds[1:]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=usable_processors())
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    options, words = parser.parse_known_args()
    words = words or ["--block", "grouped", "--norm", "bn"]
    count = options.processes
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(count), "-m", "netlab"]
    sides = {
        f"1 process, {count} threads": Side(["netlab"], ["--threads", str(count)]),
        "1 process, 1 thread": Side(["netlab"], ["--threads", "1"]),
        f"{count} processes, 1 thread each": Side(torchrun, ["--threads", "1"]),
        "the same, --no-sync-bn": Side(torchrun, ["--threads", "1", "--no-sync-bn"]),
    }
    for _ in range(options.rounds):
        for side in sides.values():
            side.measure(words, options.epochs)
    print(f"{processor_name()}, torch {torch.__version__}; netlab run {' '.join(words)}\n")
    print(f"  {'':<28} images/s  ratio   CPU s an epoch  ratio")
    first = next(iter(sides.values()))
    for name, side in sides.items():
        speed, cpu = statistics.median(side.speeds), statistics.median(side.cpu)
        speed_ratio = speed / statistics.median(first.speeds)
        cpu_ratio = cpu / statistics.median(first.cpu)
        print(f"  {name:<28} {speed:8.0f}  {speed_ratio:5.2f}   {cpu:14.1f}  {cpu_ratio:5.2f}")


if __name__ == "__main__":
    main()
