"""The layers of a network, seen by running it: which outputs there are, in the order of execution."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from netlab.errors import UsageError, closest

_PROBE_IMAGES = 3
FEATURES = "collect features yourself (netlab.feature_separability, netlab metrics --features)"
Preprocess = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Layer:
    """One output of a module: of which call of it, and where in what it returned.

    ``name`` is the module's name; a second call of the same module is ``relu:2``, a part of a tuple or
    dictionary ``lstm[0]`` or ``out[logits]``. ``shape`` is that of one image, ``images_at`` the dimension
    of the output that counts images: 1 where a sequence comes first, as in transformers by default.
    """

    name: str
    module: str
    call: int
    path: tuple[Any, ...]
    shape: tuple[int, ...]
    images_at: int = 0

    @property
    def features(self) -> int:
        return int(torch.Size(self.shape).numel())


class Done(Exception):  # noqa: N818 - not an error: the rest of the forward pass is not needed
    pass


def find_layers(
    model: nn.Module, images: Tensor, *, preprocess: Preprocess | None = None, **which: Any
) -> list[Layer]:
    """``select`` among the layers that ``trace`` finds."""
    return select(trace(model, images, preprocess), **which)


def select(
    found: Sequence[Layer],
    *,
    layers: Sequence[str] = (),
    depth: int | None = None,
    head: str | None = None,
) -> list[Layer]:
    """Some of the layers of a model, in the order of execution.

    Args:
        layers: wildcard patterns; every one must match. Without, all names at ``depth``.
        depth: how many levels of module names (``layer1.0.conv1`` has 3). Default: 1, and as many as
            a pattern has.
        head: leave out the layers from the first one of this name on (unless ``layers`` names them).

    Raises:
        UsageError: a pattern matches no layer (with the closest names), or there is none.
    """
    if not layers:
        chosen = [layer for layer in found if _levels(layer.module) <= (depth or 1)]
        names = [layer.module for layer in chosen]
        if head in names:
            chosen = chosen[: names.index(head)]
        if not chosen:
            raise UsageError(
                "no module of the model gives a tensor of one row an image, and outputs of functions are not "
                f"seen: make its steps modules (nn.ReLU() for F.relu), or {FEATURES}"
            )
        return chosen
    chosen = []
    for pattern in layers:
        levels = depth or pattern.count(".") + 1
        possible = [layer for layer in found if _levels(layer.module) <= levels]
        matches = [
            layer for layer in possible if _match(layer.name, pattern) or _match(layer.module, pattern)
        ]
        if not matches:
            names = [layer.name for layer in possible]
            known = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            raise UsageError(f"no layer '{pattern}'.{closest(pattern, names)} Layers: {known}")
        chosen += matches
    return [layer for layer in found if layer in chosen]


def _match(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _levels(name: str) -> int:
    return name.count(".") + 1


def trace(model: nn.Module, images: Tensor, preprocess: Preprocess | None = None) -> list[Layer]:
    """All layers of a model in the order in which they finish, seen by running a few images through.

    A layer is an output that is a floating point tensor with one row an image, or, where a sequence comes
    first, one column: a run with an image less tells which.

    Raises:
        UsageError: the model is no module, or TorchScript, whose layers can not be seen; or it does not run.
    """
    if isinstance(model, torch.jit.ScriptModule):
        raise UsageError(
            "the model is TorchScript, whose layers can not be seen: give the module that it was made of, or "
            f"{FEATURES}"
        )
    if not isinstance(model, nn.Module):
        raise UsageError(
            f"the model is a {type(model).__name__}, expected a torch.nn.Module: make its steps modules of "
            f"one, or {FEATURES}"
        )
    images = images[:_PROBE_IMAGES]
    shapes = _output_shapes(model, images, preprocess)
    fewer = _output_shapes(model, images[1:], preprocess) if len(images) > 1 else {}
    found: list[Layer] = []
    for (name, call, path), shape in shapes.items():
        place = _place_of_images(shape, fewer.get((name, call, path)), len(images))
        if place is None or (place == 1 and path not in ((), (0,))):  # not the last state of an LSTM
            continue
        where = "".join(f"[{part}]" for part in path)
        title = f"{name}{f':{call}' if call > 1 else ''}{where}"
        found.append(Layer(title, name, call, path, shape[:place] + shape[place + 1 :], place))
    return found


def _output_shapes(
    model: nn.Module, images: Tensor, preprocess: Preprocess | None
) -> dict[tuple[str, int, tuple[Any, ...]], torch.Size]:
    """The shape of every output that is a floating point tensor, by module, call of it, and part."""
    shapes: dict[tuple[str, int, tuple[Any, ...]], torch.Size] = {}
    calls: dict[str, int] = {}

    def see(name: str, output: Any) -> None:
        call = calls[name] = calls.get(name, 0) + 1
        for path, tensor in _tensors(output):
            if tensor.is_floating_point() and tensor.numel():
                shapes[name, call, path] = tensor.shape

    names = [
        name for name, module in model.named_modules()
        if name and not isinstance(module, torch.jit.ScriptModule)
    ]  # fmt: skip
    with hooked(model, names, see):
        forward(model, images, preprocess)
    return shapes


def _place_of_images(shape: torch.Size, fewer: torch.Size | None, images: int) -> int | None:
    """The dimension, 0 or 1, that counts ``images``; of an image less the output has the shape ``fewer``."""
    places = [place for place in (0, 1) if len(shape) > place and shape[place] == images]
    for place in places:
        if fewer is not None and fewer == (*shape[:place], images - 1, *shape[place + 1 :]):
            return place
    return 0 if 0 in places else None  # of what runs for some images only there is not always another shape


def _tensors(output: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Tensor]]:
    if isinstance(output, Tensor):
        yield path, output
    elif isinstance(output, Mapping):
        for key, value in output.items():
            yield from _tensors(value, (*path, key))
    elif isinstance(output, (tuple, list)):
        for index, value in enumerate(output):
            yield from _tensors(value, (*path, index))


@contextmanager
def hooked(model: nn.Module, names: Sequence[str], see: Callable[[str, Any], None]) -> Iterator[None]:
    """Evaluation mode, no gradients, and ``see(name, output)`` as soon as a module returns.

    As soon as: the next layer may change the output in place.
    """
    modules = dict(model.named_modules())
    training = {name: module.training for name, module in modules.items()}
    handles = [
        modules[name].register_forward_hook(lambda _module, _inputs, output, name=name: see(name, output))
        for name in dict.fromkeys(names)
    ]
    try:
        model.eval()
        with torch.no_grad():
            yield
    finally:
        for handle in handles:
            handle.remove()
        for name, module in modules.items():
            module.training = training[name]


def forward(model: nn.Module, images: Tensor, preprocess: Preprocess | None) -> None:
    parameter = next(model.parameters(), None)
    batch = images
    if parameter is not None:
        batch = batch.to(parameter.device)
    if preprocess is not None:
        batch = preprocess(batch)
    elif not batch.is_floating_point():
        batch = batch.float() / 255
    try:
        model(batch)
    except Done:
        pass
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        shape = "×".join(map(str, batch.shape[1:]))
        reason = " ".join(str(error).split())
        raise UsageError(f"the model does not run on images of {shape}: {reason[:200]}") from error
