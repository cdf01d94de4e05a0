"""Matrix products in full float32, by the fastest way that this machine has.

PyTorch multiplies float32 matrices on a CPU with MKL, which uses half of what the vector units of
several processors (AMD's with AVX-512, for one) can do; oneDNN, which PyTorch also carries, uses all
of it. Which is faster is measured once, on a product of a few milliseconds. Both sum in an order that
they choose, which the error bound of ``operands.py`` allows; it does not allow operands rounded to
bfloat16 or TF32, so those modes are switched off inside ``full_float32``.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from netlab.neighbours.dtypes import Float
from netlab.threads import limited_threads


@dataclass(frozen=True, slots=True)
class MatrixProduct:
    """A way to multiply: ``multiply(left(A), B)`` is ``A @ B.T`` for float32 A (m, k), B (n, k).

    ``left`` brings the left operand into the form that the product wants, once for many products.
    """

    name: str
    left: Callable[[Tensor], Any]
    multiply: Callable[[Any, Tensor], Tensor]


PLAIN = MatrixProduct("matmul", lambda a: a, lambda a, b: a @ b.T)
ONEDNN = MatrixProduct("onednn", lambda a: a.to_mkldnn(), lambda a, b: functional.linear(a, b).to_dense())


def double_product(a: Float, b: Float) -> Float:
    """``A @ B.T`` in float64, for A (m, k) and B (n, k)."""
    return (torch.from_numpy(a) @ torch.from_numpy(b).T).numpy()


def fastest_product(device: torch.device) -> MatrixProduct:
    """The product to use on ``device``, by one thread."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return PLAIN
    return _measured_product()


@lru_cache(maxsize=1)
def _measured_product() -> MatrixProduct:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(512, 512, generator=generator)
    b = torch.randn(512, 512, generator=generator)
    with full_float32(), limited_threads(1):
        try:
            exact = a.double() @ b.double().T
            error = (ONEDNN.multiply(ONEDNN.left(a), b).double() - exact).abs().max()
            scale = (a.double().norm(dim=1)[:, None] * b.double().norm(dim=1)).max()
        except (RuntimeError, NotImplementedError):  # a build whose oneDNN lacks the operation
            return PLAIN
        if not error <= 1e-5 * scale:  # operands were rounded below float32
            return PLAIN
        return min((PLAIN, ONEDNN), key=lambda product: _seconds(product, a, b))


def _seconds(product: MatrixProduct, a: Tensor, b: Tensor) -> float:
    left = product.left(a)
    best = float("inf")
    for _ in range(6):
        start = time.perf_counter()
        product.multiply(left, b)
        best = min(best, time.perf_counter() - start)
    return best


@contextmanager
def full_float32() -> Iterator[None]:
    """Inside, float32 products are float32: no autocast, no TF32 or bfloat16 in their place."""
    before = torch.get_float32_matmul_precision()
    with (
        torch.no_grad(),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        if before != "highest":
            torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            if before != "highest":
                torch.set_float32_matmul_precision(before)
