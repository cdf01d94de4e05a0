"""What a part shares with everything else in its process, and must leave as it found it."""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """Something global: how it is read, and how it is put back."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]


def settings() -> list[Setting]:
    """Everything global that can be read, of the libraries that are loaded."""
    found = [
        Setting("Python's random numbers", random.getstate, random.setstate),
        Setting("the environment", lambda: dict(os.environ), _write_environment),
        Setting("the working directory", _working_directory, os.chdir),
        Setting("the filters of warnings", lambda: list(warnings.filters), _put_back_elsewhere),
        Setting("Python's recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
        Setting("sys.path", lambda: list(sys.path), lambda value: sys.path.__setitem__(slice(None), value)),
        Setting("the disabling of logging", lambda: logging.root.manager.disable, logging.disable),
        Setting("the level of logging", lambda: logging.root.level, logging.root.setLevel),
        Setting("sys.stdout", lambda: sys.stdout, lambda value: setattr(sys, "stdout", value)),
        Setting("garbage collection", gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    ]
    if "numpy" in sys.modules:
        found += _numpy_settings()
    if "cv2" in sys.modules:
        found += _opencv_settings()
    if "torch" in sys.modules:
        found += _torch_settings()
    return found


def _working_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - what os.chdir takes back
    except FileNotFoundError:
        return os.sep


def _write_environment(value: dict[str, str]) -> None:
    if dict(os.environ) != value:
        os.environ.clear()
        os.environ.update(value)


def _put_back_elsewhere(value: object) -> None:
    """Of what ``restored`` puts back by other means, or what can only be read."""


def _numpy_settings() -> list[Setting]:
    import numpy as np

    def read_state() -> tuple[Any, ...]:
        kind, keys, *rest = np.random.get_state(legacy=True)
        return (kind, np.asarray(keys).tobytes(), *rest)

    def write_state(value: tuple[Any, ...]) -> None:
        kind, keys, *rest = value
        np.random.set_state((kind, np.frombuffer(keys, np.uint32), *rest))

    return [
        Setting("NumPy's random numbers", read_state, write_state),
        Setting("NumPy's treatment of errors", np.geterr, lambda value: np.seterr(**value)),
        Setting("NumPy's way of printing", np.get_printoptions, lambda value: np.set_printoptions(**value)),
    ]


def _opencv_settings() -> list[Setting]:
    import cv2

    return [
        Setting("OpenCV's threads", cv2.getNumThreads, cv2.setNumThreads),
        Setting("OpenCV's optimizations", cv2.useOptimized, cv2.setUseOptimized),
    ]


def _torch_settings() -> list[Setting]:
    import torch
    from torch.backends import cudnn

    def attribute(module: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
        return lambda: getattr(module, name), lambda value: setattr(module, name, value)

    def read_deterministic() -> tuple[bool, bool]:
        return (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        )

    def write_deterministic(value: tuple[bool, bool]) -> None:
        torch.use_deterministic_algorithms(value[0], warn_only=value[1])

    return [
        Setting(
            "PyTorch's random numbers",
            lambda: torch.random.get_rng_state().numpy().tobytes(),
            lambda value: torch.random.set_rng_state(torch.frombuffer(bytearray(value), dtype=torch.uint8)),
        ),
        Setting("PyTorch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
        Setting("PyTorch's threads", torch.get_num_threads, torch.set_num_threads),
        Setting("PyTorch's gradients", torch.is_grad_enabled, torch.set_grad_enabled),
        Setting("PyTorch's deterministic algorithms", read_deterministic, write_deterministic),
        Setting(
            "PyTorch's search for anomalies", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly
        ),
        Setting(
            "the precision of PyTorch's products",
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
        ),
        Setting(
            "PyTorch's autocast",
            lambda: torch.is_autocast_enabled("cpu"),
            lambda value: torch.set_autocast_enabled("cpu", value),
        ),
        Setting("cudnn.benchmark", *attribute(cudnn, "benchmark")),
        Setting("cudnn.deterministic", *attribute(cudnn, "deterministic")),
        Setting("PyTorch's hooks of all modules", _read_hooks, _put_back_elsewhere),
    ]


def _read_hooks() -> tuple[int, ...]:
    from torch.nn.modules import module

    names = sorted(name for name in vars(module) if name.startswith("_global_") and name.endswith("_hooks"))
    return tuple(len(getattr(module, name)) for name in names)


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Whatever happens inside, the settings are put back."""
    before = [(setting, setting.read()) for setting in settings()]
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for setting, value in before:
            if setting.read() != value:
                setting.write(value)


def changes(action: Callable[[], object], *, seeded: bool = False) -> list[str]:
    """What ``action`` changes around itself, in words; ``seeded`` allows it PyTorch's random numbers.

    A change that does not come again the second time is that of a module imported late, not the action's.
    """
    first = changes_once(action)
    found = [name for name in changes_once(action) if name in first] if first else []
    return [name for name in found if not (seeded and name == "PyTorch's random numbers")]


def changes_once(action: Callable[[], object]) -> list[str]:
    """What one call of ``action`` changes around itself, in words; it is put back."""
    written = io.StringIO()
    with restored():
        with contextlib.redirect_stdout(written):
            before = {setting.name: setting.read() for setting in settings()}
            action()
            after = {setting.name: setting.read() for setting in settings()}
        found = [name for name, value in before.items() if after[name] != value]
    return [*found, "standard output (it prints)"] if written.getvalue() else found
