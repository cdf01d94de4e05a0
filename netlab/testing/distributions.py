"""Distributions that are not installed: metadata written to a folder, read back the ordinary way."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path


def write_distribution(
    folder: Path, name: str, version: str, entry_points: Mapping[str, Mapping[str, str]]
) -> Path:
    """Write ``NAME-VERSION.dist-info`` as an installer would, and give its path.

    ``entry_points`` is group -> name -> target. With ``folder`` on ``sys.path`` the distribution counts
    as installed.
    """
    path = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    path.mkdir(parents=True, exist_ok=True)
    (path / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in entry_points.items():
        lines += [f"[{group}]", *(f"{point} = {target}" for point, target in points.items())]
    (path / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return path


def distribution_at(path: Path) -> metadata.Distribution:
    """The distribution whose metadata is in ``path``."""
    return metadata.Distribution.at(path)
