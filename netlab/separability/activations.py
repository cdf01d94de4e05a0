"""The outputs of a network's layers, in the order of execution, within a memory budget."""

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
Preprocess = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Layer:
    """One output of a module: of which call of it, and where in what it returned.

    ``name`` is the module's name; a second call of the same module is ``relu:2``, a part of a tuple or
    dictionary ``lstm[0]`` or ``out[logits]``. ``shape`` is that of one image.
    """

    name: str
    module: str
    call: int
    path: tuple[Any, ...]
    shape: tuple[int, ...]

    @property
    def features(self) -> int:
        return int(torch.Size(self.shape).numel())


class _Done(Exception):  # noqa: N818 - not an error: the rest of the forward pass is not needed
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
            raise UsageError("the model has no named layers whose output is a tensor of one row an image")
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

    A layer is an output that is a floating point tensor with one row an image.
    """
    images = images[:_PROBE_IMAGES]
    found: list[Layer] = []
    calls: dict[str, int] = {}

    def see(name: str, output: Any) -> None:
        call = calls[name] = calls.get(name, 0) + 1
        for path, tensor in _tensors(output):
            if tensor.dim() < 1 or tensor.shape[0] != len(images) or not tensor.is_floating_point():
                continue
            where = "".join(f"[{part}]" for part in path)
            title = f"{name}{f':{call}' if call > 1 else ''}{where}"
            if tensor[0].numel():
                found.append(Layer(title, name, call, path, tuple(tensor.shape[1:])))

    names = [name for name, _ in model.named_modules() if name]
    with _hooked(model, names, see):
        _forward(model, images, preprocess)
    return found


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
def _hooked(model: nn.Module, names: Sequence[str], see: Callable[[str, Any], None]) -> Iterator[None]:
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


def _forward(model: nn.Module, images: Tensor, preprocess: Preprocess | None) -> None:
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
    except _Done:
        pass
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        shape = "×".join(map(str, batch.shape[1:]))
        reason = " ".join(str(error).split())
        raise UsageError(f"the model does not run on images of {shape}: {reason[:200]}") from error


@dataclass(frozen=True, slots=True)
class Captured:
    """Outputs of layers for n images.

    ``features`` by name: float32 (n, features), where the model is. ``incomplete``: of how many images
    there was an output, for layers that did not give one for every image (an early exit, an expert, a
    branch that is not always taken); these are not in ``features``.
    """

    features: dict[str, Tensor]
    incomplete: dict[str, int]


def capture(
    model: nn.Module,
    images: Tensor,
    layers: Sequence[Layer],
    *,
    preprocess: Preprocess | None = None,
    batch_size: int = 256,
    progress: Callable[[int, int], None] | None = None,
) -> Captured:
    """The outputs of some layers for all images.

    The forward pass of a batch stops at the last layer that is needed.
    """
    wanted: dict[tuple[str, int], list[Layer]] = {}
    for layer in layers:
        wanted.setdefault((layer.module, layer.call), []).append(layer)
    buffers: dict[str, Tensor] = {}
    calls: dict[str, int] = {}
    missing: set[str] = set()
    images_of = {layer.name: 0 for layer in layers}
    rows = slice(0, 0)

    def see(name: str, output: Any) -> None:
        call = calls[name] = calls.get(name, 0) + 1
        for layer in wanted.get((name, call), ()):
            tensor = _part(output, layer.path)
            if tensor is None or tensor.shape != (rows.stop - rows.start, *layer.shape):
                continue
            images_of[layer.name] += len(tensor)
            if layer.name not in buffers:
                buffers[layer.name] = torch.empty(len(images), layer.features, device=tensor.device)
            buffers[layer.name][rows] = tensor.reshape(len(tensor), -1)
            missing.discard(layer.name)
        if not missing:
            raise _Done

    with _hooked(model, [layer.module for layer in layers], see):
        for start in range(0, len(images), batch_size):
            rows = slice(start, min(start + batch_size, len(images)))
            calls.clear()
            missing = {layer.name for layer in layers}
            _forward(model, images[rows], preprocess)
            if progress is not None:
                progress(rows.stop, len(images))
    incomplete = {name: count for name, count in images_of.items() if count < len(images)}
    return Captured({name: kept for name, kept in buffers.items() if name not in incomplete}, incomplete)


def _part(output: Any, path: tuple[Any, ...]) -> Tensor | None:
    """A part of what a module gave; None where this time there is none."""
    for step in path:
        try:
            output = output[step]
        except (KeyError, IndexError, TypeError):
            return None
    return output if isinstance(output, Tensor) else None


def plan_passes(
    layers: Sequence[Layer], points: int, memory: int, *, fixed: int, kept: int = 1
) -> list[list[Layer]]:
    """Consecutive layers that are captured together: as many a pass as fit the memory.

    A pass holds the features of its layers for all ``points`` (every split), float32, and ``kept``
    sorted copies of one layer at a time, beside ``fixed`` bytes.

    Raises:
        UsageError: a single layer does not fit, with what it needs.
    """
    passes: list[list[Layer]] = []
    held = largest = 0
    for layer in layers:
        size = 4 * points * layer.features
        alone = size * (1 + kept) + fixed
        if alone > memory:
            raise UsageError(
                f"layer '{layer.name}' has {layer.features:,} features for {points:,} points: it needs "
                f"{-(-alone // 2**20):,} MiB of memory, but {memory // 2**20:,} MiB are allowed "
                "(raise --memory, lower --fraction, or leave it out with --layers)"
            )
        if passes and held + size + kept * max(largest, size) + fixed <= memory:
            passes[-1].append(layer)
            held, largest = held + size, max(largest, size)
        else:
            passes.append([layer])
            held = largest = size
    return passes
