"""How many threads an operation of PyTorch takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_threaded() -> Iterator[None]:
    """Inside, an operation of PyTorch runs on the thread that calls it.

    What takes a millisecond is too small to share: more threads only wait for each other, on a busy
    machine for long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
