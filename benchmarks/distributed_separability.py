"""Nearest points shared out among processes, against one process: time, memory of a worker, decisions.

    python benchmarks/distributed_separability.py --points 200000 --features 256 --workers 2
    python benchmarks/distributed_separability.py --executor ray

Prints wall-clock and processor seconds of both sides, whether every decision is the same, the greatest
anonymous memory of a worker (what it holds itself; the pages of the mapped file are the system's), and
what a million points would take at the measured rate.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netlab.executors.place import Place, open_executor
from netlab.executors.share import Share
from netlab.separability import FeatureSpace
from netlab.separability.distributed import Files, distributed_minima


def descendants() -> list[Path]:
    """/proc folders of the processes that this one started, directly or not."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, ours = [], {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        found += sorted(more)
        ours |= more
    return [Path("/proc", str(pid)) for pid in found]


def anonymous_memory(process: Path) -> int:
    """Bytes that a process holds itself; 0 if it is gone."""
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon")), 0)


class Watch(threading.Thread):
    """Follows the processes that are started: the greatest anonymous memory of one, and processor seconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.memory = 0
        self.first: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self.wall = self.cpu = 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        tick = os.sysconf("SC_CLK_TCK")
        while not self.ended.wait(0.2):
            for folder in descendants():
                self.memory = max(self.memory, anonymous_memory(folder))
                with contextlib.suppress(OSError):
                    words = (folder / "stat").read_text().rpartition(")")[2].split()
                    seconds = (int(words[11]) + int(words[12])) / tick
                    self.first.setdefault(folder.name, seconds)
                    self.last[folder.name] = seconds

    @property
    def seconds(self) -> float:
        """Processor seconds since they were first seen."""
        return sum(self.last[name] - self.first[name] for name in self.last)


@contextmanager
def measured(name: str) -> Iterator[Watch]:
    watch = Watch()
    watch.start()
    wall, own = time.perf_counter(), time.process_time()
    yield watch
    wall, own = time.perf_counter() - wall, time.process_time() - own
    watch.ended.set()
    watch.join()
    watch.wall = wall
    watch.cpu = own + watch.seconds
    print(f"{name:34} {wall:8.1f} s   {watch.cpu:8.1f} processor s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--executor", choices=["local", "ray"], default="local")
    parser.add_argument("--memory", type=int, default=256, help="MiB of a worker")
    parser.add_argument("--single-threads", type=int, default=1, help="of the one process")
    arguments = parser.parse_args()
    n, d = arguments.points, arguments.features

    rng = np.random.default_rng(0)
    labels = rng.integers(0, arguments.classes, n)
    features = rng.normal(size=(n, d)).astype(np.float32)
    features += 0.25 * rng.normal(size=(arguments.classes, d)).astype(np.float32)[labels]
    print(f"{n} x {d}, {arguments.classes} classes; {platform.machine()}, {os.cpu_count()} processors,")
    print(f"load {os.getloadavg()[0]:.1f}; torch {torch.__version__}\n")
    with tempfile.TemporaryDirectory() as folder:
        files = Files(f"{folder}/features.npy", f"{folder}/labels.npy", 1.0, 0, False, "raise")
        np.save(files.features, features)
        np.save(files.labels, labels)
        del features
        mapped = np.load(files.features, mmap_mode="r")

        torch.set_num_threads(arguments.single_threads)
        with measured(f"one process, {arguments.single_threads} thread(s)") as one:
            alone: Any = FeatureSpace(mapped, labels).neighbours.nearest
        share = Share(arguments.workers, threads=1)
        with open_executor(Place(arguments.executor), share, Path(folder)) as executor:
            # The start of the processes and the import of PyTorch are not what is measured.
            warm = "__import__('time').sleep(3); __import__('netlab.separability.distributed')"
            for future in [executor.submit(exec, warm) for _ in range(arguments.workers)]:
                future.result()
            empty = max(anonymous_memory(folder) for folder in descendants())
            with measured(f"{arguments.workers} workers ({arguments.executor}), 1 thread each") as shared:
                minima = distributed_minima(
                    executor, files, workers=arguments.workers, memory=arguments.memory << 20
                )
                together: Any = FeatureSpace(mapped, labels, minima=minima).neighbours.nearest
    same = all(
        np.array_equal(getattr(alone, name), getattr(together, name))
        for name in ("own", "any_own", "all_own", "first", "confusion")
    )
    print(f"\nSI {alone.own.mean():.6f} and {together.own.mean():.6f}; every decision equal: {same}")
    print(f"decided again in float64: {alone.decided_again} and {together.decided_again}")
    print(f"wall-clock ratio {one.wall / shared.wall:.2f}, processor ratio {one.cpu / shared.cpu:.2f}")
    print(
        f"a worker held at most {shared.memory / 2**20:.0f} MiB, {empty / 2**20:.0f} MiB before its first "
        f"task; the features are {4 * n * d / 2**20:.0f} MiB"
    )
    for wanted in (1_000_000,):
        factor = wanted * (wanted + 1) / (n * (n + 1))
        print(
            f"{wanted} points at this rate: {one.wall * factor / 3600:.2f} h in one process, "
            f"{shared.wall * factor / 3600:.2f} h with {arguments.workers} workers "
            f"({shared.cpu * factor / 3600:.1f} processor hours)"
        )


if __name__ == "__main__":
    main()
