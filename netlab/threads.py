"""How many threads an operation of PyTorch takes: the one place where that is set."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextmanager
def limited_threads(count: int | None) -> Iterator[None]:
    """Inside, an operation takes ``count`` threads; None leaves them as they are.

    One thread is best for what takes a millisecond: more only wait for each other, on a busy machine for
    long.
    """
    import torch

    before = torch.get_num_threads()
    set_threads(count or before)
    try:
        yield
    finally:
        set_threads(before)


def set_threads(count: int) -> None:
    """From now on, an operation that this thread calls takes ``count`` threads."""
    import torch

    torch.set_num_threads(count)


def limit_process(count: int) -> None:
    """Give this process and those that it starts ``count`` threads, for good.

    PyTorch and NumPy read the variables when they are imported, so that it comes before that.
    """
    for name in VARIABLES:
        os.environ[name] = str(count)
    if (torch := sys.modules.get("torch")) is not None and torch.get_num_threads() != count:
        set_threads(count)
