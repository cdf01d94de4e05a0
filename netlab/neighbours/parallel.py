"""Independent pieces of work, each on a processor of its own.

PyTorch spreads every operation over all its threads, and at the end of each they wait for the slowest.
The operations of the kernel take about a millisecond. On a machine that does something else besides,
that waiting took five times the work itself (two processors, one of them busy). Here every thread has
pieces of its own, and operations of one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from netlab.threads import limited_threads, set_threads

Job = TypeVar("Job")
Result = TypeVar("Result")


def each(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    device: torch.device,
    done: Callable[[Job], None] | None = None,
) -> list[Result]:
    """``work(job)`` of every job, in the order of the jobs, on as many threads as PyTorch has.

    ``done(job)`` is called on the calling thread when a job and all before it are finished. Modes of
    PyTorch that hold for one thread only (autocast, gradients) are at their defaults inside. On a GPU,
    which needs no threads of ours, the jobs run one after the other.
    """
    jobs = list(jobs)
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    if threads == 1:
        return _collect(jobs, map(work, jobs), done)
    with limited_threads(1):
        if len(jobs) < 2:
            return _collect(jobs, map(work, jobs), done)
        with ThreadPoolExecutor(
            min(threads, len(jobs)), "separability", initializer=set_threads, initargs=(1,)
        ) as pool:
            try:
                return _collect(jobs, pool.map(work, jobs), done)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _collect(jobs: list[Job], results: Iterable[Result], done: Callable[[Job], None] | None) -> list[Result]:
    collected = []
    for job, result in zip(jobs, results, strict=True):
        collected.append(result)
        if done is not None:
            done(job)
    return collected


def even_slices(start: int, stop: int, count: int, multiple: int = 1) -> list[slice]:
    """[start, stop) in at most ``count`` slices of about the same length, a multiple of ``multiple``."""
    length = -(-(stop - start) // max(1, count))
    length = max(1, -(-length // multiple)) * multiple
    return [slice(lo, min(lo + length, stop)) for lo in range(start, stop, length)]
