"""Writes event files for TensorBoard: ``tensorboard --logdir runs`` shows them."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w


@functools.cache
def writer(directory: Path, first_epoch: int) -> Any:
    """The writer of a run in this process, or None without the extra ``tensorboard``.

    On resume, TensorBoard drops what an earlier process wrote from ``first_epoch`` on.
    """
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(directory / "tensorboard"), purge_step=first_epoch)


_first_epochs: dict[Path, int] = {}
_configs: dict[Path, str] = {}


def start(directory: Path, config: Mapping[str, Any]) -> None:
    """Remember the run's configuration as Markdown: it is written when its first epoch is known."""
    lines = tomli_w.dumps(without_none(config)).splitlines()
    _configs[directory] = "\n".join(f"    {line}" for line in lines)


def without_none(value: Any) -> Any:
    """TOML has no null: a value that is None is left out."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return value


def write_epoch(directory: Path, epoch: int, values: Mapping[str, float]) -> None:
    """Every value of the epoch's row of the history, at step ``epoch``."""
    events = writer(directory, _first_epochs.setdefault(directory, epoch))
    if events is not None:
        if directory in _configs:
            events.add_text("config", _configs.pop(directory), epoch)
        for name, value in values.items():
            if name != "epoch":
                events.add_scalar(name, value, epoch)
        events.flush()


def close(directory: Path) -> None:
    """The run is over."""
    _configs.pop(directory, None)
    first_epoch = _first_epochs.pop(directory, None)
    if first_epoch is not None and (events := writer(directory, first_epoch)) is not None:
        events.close()
    writer.cache_clear()
