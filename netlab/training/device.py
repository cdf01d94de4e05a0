"""Which device and which precision."""

from __future__ import annotations

from pathlib import Path

import torch

from netlab.errors import UsageError

BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})  # x86-64, x86-64, ARM


def choose_device(text: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        UsageError: there is no such device here.
    """
    if text == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(text)
    except RuntimeError:
        raise UsageError(f"--device {text}: expected auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"--device {text}: expected auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise UsageError(f"--device {text}: PyTorch sees {count} CUDA devices here; use --device cpu")
    return device


def gpus_of(text: str) -> int:
    """How many GPUs ``--device`` leaves to be shared out among processes: all for ``auto`` and ``cuda``, none
    for one that is named.

    Raises:
        UsageError: there is no such device here.
    """
    device = choose_device(text)
    return torch.cuda.device_count() if device.type == "cuda" and device.index is None else 0


def has_fast_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 faster than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    line = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")
    return bool(BF16_FLAGS & set(line.split()))


def choose_precision(precision: str, device: torch.device) -> str:
    """``bf16`` or ``fp32`` for ``auto``, ``fp32`` or ``bf16``."""
    if precision != "auto":
        return precision
    return "bf16" if has_fast_bf16(device) else "fp32"
