"""What a trained network takes and gives: ``interface.json``, so that it can be used without its data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netlab.data.geometry import RESAMPLING
from netlab.data.normalize import Normalization
from netlab.data.views import ONE_VIEW, Views
from netlab.errors import NetlabError, UsageError
from netlab.kinds.dataset import Geometry
from netlab.runs.directory import RunDirectory, read_json_object

if TYPE_CHECKING:
    from netlab.kinds.dataset import ImageData, Resampling


@dataclass(frozen=True, slots=True)
class Interface:
    """Images uint8 (N, channels, height, width), normalized so; one logit for each of ``class_names``.

    Larger and smaller images become such by ``shorter`` and ``resampling``: see ``Geometry``. The logits are
    the mean of those of the image's ``views``.
    """

    channels: int
    height: int
    width: int
    normalization: Normalization
    class_names: tuple[str, ...]
    shorter: int = 0
    resampling: Resampling = "bilinear"
    views: Views = ONE_VIEW

    @property
    def geometry(self) -> Geometry:
        return Geometry(self.height, self.width, self.shorter, self.resampling)


def interface_of(data: ImageData, normalization: Normalization, *, views: Views = ONE_VIEW) -> Interface:
    """The interface of a network that is trained on ``data``."""
    channels, height, width = data.train.images.shape[1:]
    geometry = data.geometry or Geometry(height, width)
    return Interface(
        channels,
        height,
        width,
        normalization,
        tuple(data.class_names),
        geometry.shorter,
        geometry.resampling,
        views,
    )


def read_interface(run: RunDirectory) -> Interface:
    """Read ``interface.json``.

    Raises:
        UsageError: the run has none.
        NetlabError: it is damaged.
    """
    if not run.interface.exists():
        raise UsageError(
            f"run '{run.name}' has no interface.json: it was trained by an older netlab;"
            " the same 'netlab run' with one epoch more writes it"
        )
    content: Any = read_json_object(run.interface, f"run '{run.name}' has no interface.json")
    try:
        mean, std = content["normalization"]["mean"], content["normalization"]["std"]
        interface = Interface(
            channels=int(content["channels"]),
            height=int(content["height"]),
            width=int(content["width"]),
            normalization=Normalization(tuple(map(float, mean)), tuple(map(float, std))),
            class_names=tuple(map(str, content["class_names"])),
            shorter=int(content["shorter"]),
            resampling=content["resampling"],
            views=Views(bool(content["views"]["mirror"]), int(content["views"]["shift"])),
        )
        if interface.resampling not in RESAMPLING:
            raise ValueError(f"no resampling is called {interface.resampling!r}")
    except (KeyError, TypeError, ValueError) as error:
        raise NetlabError(f"{run.interface} is damaged: {type(error).__name__} {error}") from None
    if wrong := what_is_wrong(interface):
        raise NetlabError(f"{run.interface} is damaged: {wrong}")
    return interface


def what_is_wrong(interface: Interface) -> str:
    """Why no network has such an interface; an empty text where one may."""
    mean, std = interface.normalization.mean, interface.normalization.std
    if not len(mean) == len(std) == interface.channels:
        return "mean and std must have a value a channel"
    if min(interface.channels, interface.height, interface.width) < 1 or interface.shorter < 0:
        return "an image has at least one channel and one pixel"
    if not all(math.isfinite(value) for value in (*mean, *std)) or min(std) <= 0:
        return "mean and std must be finite, and std more than 0"
    if not 0 <= interface.views.shift < min(interface.height, interface.width):
        return "views are shifted by less than an image's side"
    if not interface.class_names:
        return "it has no class"
    return ""
