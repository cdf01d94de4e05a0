"""Distributions that are not installed: metadata written to a folder, read back the ordinary way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path


def write_distribution(
    folder: Path,
    name: str,
    version: str,
    entry_points: Mapping[str, Mapping[str, str]],
    *,
    requires: Iterable[str] = (),
) -> Path:
    """Write ``NAME-VERSION.dist-info`` as an installer would, and give its path.

    ``entry_points`` is group -> name -> target, ``requires`` what ``Requires-Dist`` lists. With ``folder``
    on ``sys.path`` the distribution counts as installed.
    """
    path = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    path.mkdir(parents=True, exist_ok=True)
    fields = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    fields += [f"Requires-Dist: {requirement}" for requirement in requires]
    (path / "METADATA").write_text("\n".join(fields) + "\n")
    lines = []
    for group, points in entry_points.items():
        lines += [f"[{group}]", *(f"{point} = {target}" for point, target in points.items())]
    (path / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return path


def distribution_at(path: Path) -> metadata.Distribution:
    """The distribution whose metadata is in ``path``."""
    return metadata.Distribution.at(path)
