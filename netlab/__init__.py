"""netlab: image networks from parts chosen by name, trained, measured and compared.

>>> import netlab
>>> netlab.si_score([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"])
1.0

Importing this package is cheap: a name is loaded when it is first used, and PyTorch with the first that
needs it. What is listed here, and the modules ``netlab.specs``, ``netlab.kinds``, ``netlab.testing`` and
``netlab.errors``, is public; every other module may change with any version.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # importing typing would cost as much again as all that is here
if TYPE_CHECKING:
    from typing import Any

    from netlab import errors as errors
    from netlab import kinds as kinds
    from netlab import specs as specs
    from netlab import testing as testing
    from netlab.api.comparing import compare
    from netlab.api.detector import DetectorRun, load_detector
    from netlab.api.detector_training import train_detector
    from netlab.api.installed import load_plugin, parts
    from netlab.api.library import list_runs, load_run, remove_run, restore_run, verify_run
    from netlab.api.networks import assemble, load_data, summarize
    from netlab.api.run import Run
    from netlab.api.separability import csi_score, feature_separability, layer_separability, si_score
    from netlab.api.table import Table
    from netlab.api.training import train

__version__ = "0.1.0"

__all__ = [
    "DetectorRun",
    "Run",
    "Table",
    "assemble",
    "compare",
    "csi_score",
    "feature_separability",
    "layer_separability",
    "list_runs",
    "load_data",
    "load_detector",
    "load_plugin",
    "load_run",
    "parts",
    "remove_run",
    "restore_run",
    "si_score",
    "summarize",
    "train",
    "train_detector",
    "verify_run",
]

_MODULES = {  # where each name comes from
    "DetectorRun": "netlab.api.detector",
    "Run": "netlab.api.run",
    "Table": "netlab.api.table",
    "assemble": "netlab.api.networks",
    "compare": "netlab.api.comparing",
    "csi_score": "netlab.api.separability",
    "feature_separability": "netlab.api.separability",
    "layer_separability": "netlab.api.separability",
    "list_runs": "netlab.api.library",
    "load_data": "netlab.api.networks",
    "load_detector": "netlab.api.detector",
    "load_plugin": "netlab.api.installed",
    "load_run": "netlab.api.library",
    "parts": "netlab.api.installed",
    "remove_run": "netlab.api.library",
    "restore_run": "netlab.api.library",
    "si_score": "netlab.api.separability",
    "summarize": "netlab.api.networks",
    "train": "netlab.api.training",
    "train_detector": "netlab.api.detector_training",
    "verify_run": "netlab.api.library",
}
_PUBLIC_MODULES = ("errors", "kinds", "specs", "testing")


def __getattr__(name: str) -> Any:
    if name in _PUBLIC_MODULES:
        return importlib.import_module(f"netlab.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'netlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, *_PUBLIC_MODULES])
