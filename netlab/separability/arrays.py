"""Features, labels and models that a user names: files and ``package:name``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.errors import UsageError, closest


def load_array(path: Path, what: str) -> NDArray[Any]:
    """An array from a ``.npy`` file, memory-mapped; nothing is unpickled.

    Raises:
        UsageError: the file is not there, is no such file, or holds Python objects.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UsageError(f"{what}: there is no file {path}") from None
    except IsADirectoryError:
        raise UsageError(f"{what}: {path} is a folder; expected a .npy file") from None
    except Exception as error:  # NumPy parses the header as Python: errors of every kind
        if path.read_bytes()[:6] == b"\x93NUMPY" and "object" in str(error).lower():
            raise UsageError(
                f"{what}: {path} holds Python objects, which are never unpickled; save numbers or strings"
            ) from None
        raise UsageError(f"{what}: {path} is no .npy file (write one with numpy.save)") from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise UsageError(f"{what}: {path} is an .npz archive; expected one array in a .npy file")
    return array


def parse_memory(text: str) -> int:
    """``4G``, ``512M`` or a number of bytes.

    Raises:
        UsageError: it is neither.
    """
    units = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
    cleaned = text.strip().upper().removesuffix("B").removesuffix("I")
    number, unit = (cleaned[:-1], cleaned[-1]) if cleaned[-1:] in units and cleaned else (cleaned, "")
    try:
        value = float(number) * units[unit]
    except ValueError:
        value = -1.0
    if not 0 < value < 2**60:
        raise UsageError(f"--memory {text}: expected a size such as 4G or 512M")
    return int(value)


def load_model(text: str, weights: str) -> tuple[Any, Any]:
    """The model that ``torchvision:NAME`` or ``package.module:factory`` names, and its weights' enum or None.

    ``weights`` is ``none`` (as made), ``default`` (torchvision's own, downloaded by it when absent) or
    the path of a safetensors or weights-only file.

    Raises:
        UsageError: no such model or file, or the weights do not fit; one line.
    """
    from torch import nn

    source, colon, name = text.partition(":")
    if not colon or not source or not name:
        raise UsageError(f"--model {text}: expected torchvision:NAME or package.module:factory")
    chosen = None
    if source == "torchvision":
        from torchvision import models

        known = models.list_models()
        if name not in known:
            raise UsageError(f"torchvision has no model '{name}'.{closest(name, known)}")
        if weights == "default":
            chosen = models.get_model_weights(name).DEFAULT
        try:
            model = models.get_model(name, weights=chosen)
        except OSError as error:
            raise UsageError(
                f"the weights of '{name}' are not there and could not be downloaded ({error}): "
                "give a file with --weights PATH, or --weights none"
            ) from error
    else:
        if weights == "default":
            raise UsageError("--weights default is for torchvision's models; give a path, or none")
        model = _from_factory(source, name)
    if not isinstance(model, nn.Module):
        raise UsageError(f"--model {text} gives a {type(model).__name__}; expected a torch.nn.Module")
    if weights not in ("none", "default"):
        _load_weights(model, Path(weights))
    return model, chosen


def lies_here(source: str) -> bool:
    """Whether a module is to be found in the current folder and nowhere else.

    Only then the folder is searched, after all others, so that no file in it takes another module's place.
    """
    top = source.partition(".")[0]
    try:
        installed = importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        installed = False
    return not installed and any(Path(name).exists() for name in (f"{top}.py", f"{top}/__init__.py", top))


def _from_factory(source: str, name: str) -> Any:
    if lies_here(source):
        sys.path.append(str(Path.cwd()))
    try:
        made = importlib.import_module(source)
        for part in name.split("."):
            made = getattr(made, part)
    except ModuleNotFoundError as error:
        raise UsageError(f"--model {source}:{name}: there is no module '{error.name}'") from error
    except AttributeError:
        offered = [word for word in dir(sys.modules[source]) if not word.startswith("_")]
        raise UsageError(f"module '{source}' has no '{name}'.{closest(name, offered)}") from None
    from torch import nn

    if isinstance(made, nn.Module):
        return made
    if not callable(made):
        raise UsageError(
            f"--model {source}:{name} is a {type(made).__name__}; expected a module or a factory"
        )
    try:
        return made()
    except TypeError as error:
        raise UsageError(f"--model {source}:{name} can not be called without arguments: {error}") from error


def _load_weights(model: Any, path: Path) -> None:
    import pickle

    import torch

    if not path.is_file():
        raise UsageError(f"--weights: there is no file {path} (or write none or default)")
    state: Any
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, AttributeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise UsageError(f"--weights: {path} holds no weights alone ({reason[:120]})") from error
    except Exception as error:  # safetensors has an error type of its own
        raise UsageError(f"--weights: {path} is damaged: {error}") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except (RuntimeError, TypeError, AttributeError) as error:
        lines = [line.strip() for line in str(error).split("\n") if line.strip()]
        raise UsageError(f"--weights: {path} does not fit the model: {lines[-1][:200]}") from error
    if missing:
        raise UsageError(
            f"--weights: {path} does not fit the model: it lacks '{missing[0]}'"
            + (f" and has '{unexpected[0]}' too many" if unexpected else "")
        )
