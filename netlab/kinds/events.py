"""What event hooks are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A training run: its directory, and its resolved configuration as in ``config.toml``."""

    directory: Path
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A section of ``netlab report``: a plain-text title and an HTML fragment that loads nothing."""

    title: str
    html: str
