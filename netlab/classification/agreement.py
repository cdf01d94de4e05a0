"""Whether the processes of one training all see the same: settings, data, device, checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from netlab.classification.task import Setup
from netlab.errors import NetlabError
from netlab.runs.config import ASIDE, Config, to_toml
from netlab.runs.directory import RunDirectory
from netlab.training.checkpoint import read_progress


def check_agreement(setup: Setup, config: Config, run: RunDirectory, environment: Mapping[str, Any]) -> None:
    """Wait for all ranks, and see that they train the same network on the same data from the same epoch.

    Raises:
        NetlabError: naming what differs.
    """
    last = run.last_checkpoint
    if setup.ranks.world == 1:
        return
    config = {table: values for table, values in config.items() if table not in ASIDE}
    differing = setup.ranks.differences(
        {
            "settings": to_toml(config),
            "data": environment["data_sha256"],
            "kind of device": f"{setup.device.type} {setup.precision}",
            "--sync-bn": str(setup.ranks.sync_bn),
            "version of PyTorch": torch.__version__,
            "checkpoint": str(read_progress(last)) if last.exists() else "",
        }
    )
    if differing:
        raise NetlabError(
            f"the processes do not have the same {', '.join(differing)}: on several machines, the folders"
            " of runs and data must be shared, and the same netlab installed"
        )
