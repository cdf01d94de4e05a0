"""Builds an extractor and checks what it gives as it comes, so that a wrong one is named, no later step."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from netlab.engine.blame import of_the_machine
from netlab.engine.catalog import Component
from netlab.errors import UsageError
from netlab.kinds.extractor import FeatureMaps

TRIED = (128, 160)  # height and width of the image on which another's extractor is tried


def built_maps(component: Component, options: Any, weights: str) -> FeatureMaps:
    """The extractor with ``weights`` (imagenet, none, or the path of a file).

    One that is not netlab's own is tried on an image: stage i must give finite floats of channels[i] and of
    about the image's size over strides[i].

    Raises:
        UsageError: the weights are not there, do not fit, or give values that are not finite.
        PluginError: the extractor fails, or gives what its contract does not promise.
    """
    maps = component.build(weights=weights, options=options)
    if problem := field_problem(maps):
        raise component.broke(problem)
    if not component.plugin.builtin:
        try_stages(component, maps, weights)
    found: FeatureMaps = maps
    return found


def field_problem(maps: Any) -> str:
    """What is wrong with the fields of what an extractor gave, or an empty text."""
    if not isinstance(maps, FeatureMaps):
        return f"it gave {type(maps).__name__}, not FeatureMaps"
    for name in ("stages", "channels", "strides", "mean", "std"):
        if not isinstance(getattr(maps, name), (tuple, list)):
            return f"{name} is {type(getattr(maps, name)).__name__}, not a tuple"
    counts = len(maps.stages), len(maps.channels), len(maps.strides)
    if not counts[0] or len(set(counts)) > 1:
        return f"stages, channels and strides are {counts[0]}, {counts[1]} and {counts[2]}, expected as many"
    for number, stage in enumerate(maps.stages):
        if not isinstance(stage, nn.Module):
            return f"stage {number} is {type(stage).__name__}, not an nn.Module"
    if not all(is_count(n) for n in (*maps.channels, *maps.strides, maps.crop_size)):
        return (
            f"channels {maps.channels}, strides {maps.strides} and crop_size {maps.crop_size!r} must be"
            " whole numbers from 1 up"
        )
    for name, values in (("mean", maps.mean), ("std", maps.std)):
        numbers = [v for v in values if isinstance(v, (int, float)) and math.isfinite(v)]
        if len(values) != 3 or len(numbers) != 3 or (name == "std" and min(numbers) <= 0):
            return f"{name} is {values!r:.60}, expected three numbers, for RGB in [0, 1]"
    return "" if isinstance(maps.weights, str) else f"weights is {maps.weights!r:.40}, not a text"


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def try_stages(component: Component, maps: FeatureMaps, weights: str) -> None:
    """Run the stages on one image, in evaluation mode.

    Raises:
        UsageError, PluginError: as ``built_maps``.
    """
    modes = [(module, module.training) for stage in maps.stages for module in stage.modules()]
    x = torch.linspace(-1, 1, 3 * TRIED[0] * TRIED[1]).reshape(1, 3, *TRIED)
    try:
        with torch.inference_mode():
            for number, stage in enumerate(maps.stages):
                x = ran(component, stage.eval(), x)
                if problem := map_problem(x, number, maps):
                    raise component.broke(problem)
                if not x.isfinite().all():
                    if weights not in ("imagenet", "none"):
                        raise UsageError(f"the weights {weights} give values that are not finite")
                    raise component.broke(f"the maps of stage {number} are not finite")
    finally:
        for module, training in modes:
            module.training = training


def ran(component: Component, stage: nn.Module, x: Tensor) -> Any:
    """What a stage gives; what it raises is its plugin's failure."""
    try:
        return stage(x)
    except Exception as error:
        if of_the_machine(error):
            raise
        raise component.failed(error, "use") from error


def map_problem(x: Any, number: int, maps: FeatureMaps) -> str:
    """What is wrong with the type or shape of the map of a stage, or an empty text."""
    if not isinstance(x, Tensor):
        return f"stage {number} gave {type(x).__name__}, not a tensor"
    channels, stride = maps.channels[number], maps.strides[number]
    if not x.is_floating_point():
        return f"stage {number} gave {x.dtype}, expected floats"
    if x.ndim != 4 or x.shape[:2] != (1, channels):
        return f"stage {number} gave {tuple(x.shape)} of one image, expected {channels} channels"
    wanted = [side / stride for side in TRIED]
    if any(abs(a - b) > max(2.0, 0.3 * b) for a, b in zip(x.shape[2:], wanted, strict=True)):
        return (
            f"stage {number} gave a map of {tuple(x.shape[2:])} of an image of {TRIED}, but its stride is"
            f" {stride}: expected about {wanted[0]:g} x {wanted[1]:g}"
        )
    return ""
