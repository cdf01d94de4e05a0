"""OpenCV's ``ximgproc``, which only its contrib distributions have.

All distributions of OpenCV install into one folder, ``cv2``: the one that came last is the one that is
imported, whatever else is installed.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

import cv2

CONTRIB = "opencv-contrib-python"
OTHERS = ("opencv-python", "opencv-python-headless")


def why_ximgproc_is_missing() -> str:
    """One line: what took its place, and how to mend it."""
    mend = f"pip install --force-reinstall --no-deps {CONTRIB}"
    for other in OTHERS:
        try:
            version = metadata.version(other)
        except metadata.PackageNotFoundError:
            continue
        return (
            f"OpenCV's ximgproc is missing: {other} {version} is installed beside {CONTRIB}, into the same"
            f" folder, and has none; mend it with 'pip uninstall -y {other}' and then '{mend}'"
        )
    return f"OpenCV's ximgproc is missing from {cv2.__file__} ({cv2.__version__}); mend it with '{mend}'"


# Another distribution overwrites the compiled module; the folder cv2/ximgproc is left, with nothing in it.
ximgproc: Any = getattr(cv2, "ximgproc", None)
if not hasattr(ximgproc, "createEdgeBoxes"):
    raise ImportError(why_ximgproc_is_missing())
