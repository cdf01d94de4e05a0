"""``environment.json``: with what a run was made."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from netlab import __version__
from netlab.engine.catalog import Part
from netlab.runs.sessions import this_call

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "scikit-learn",
    "opencv-contrib-python",
    "pydantic",
    "typer",
    "pluggy",
)


def describe_environment(
    parts: Iterable[Part],
    *,
    device: torch.device,
    precision: str,
    data_digest: str,
    val_indices_digest: str,
    weights_digest: str | None = None,
    world_size: int = 1,
    backend: str | None = None,
    sync_bn: bool | None = None,
) -> dict[str, Any]:
    """Versions, machine, device, processes and the threads of each, git revision, who supplied each part
    (those that options name too) with the digest of its code, and the data's digest."""
    return {
        "netlab": __version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": processor_name(),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name(),
        "precision": precision,
        "world_size": world_size,
        "backend": backend,
        "sync_bn": sync_bn,
        "threads": torch.get_num_threads(),
        "git_revision": git_revision(),
        **this_call(),
        "components": [component.supplier.record() for part in parts for component in part.components],
        "data_sha256": data_digest,
        "val_indices_sha256": val_indices_digest,
        **({} if weights_digest is None else {"weights_sha256": weights_digest}),
    }


def processor_name() -> str:
    """The processor's model, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()} ({os.cpu_count()} cores)"
    except OSError:
        pass
    return f"{platform.processor() or platform.machine()} ({os.cpu_count()} cores)"


def git_revision() -> str | None:
    """The revision of the repository that the command was called in, if it is one."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
