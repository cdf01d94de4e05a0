"""The settings of ``netlab detect train`` for detectors that are one network, with their ranges."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netlab.engine.option_types import Seed

SECONDS = {"s": 1, "m": 60, "h": 3600}


class NetworkSettings(BaseModel):
    """How the network of a detector is trained. Resuming needs the same values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image_side: int = Field(
        288, ge=64, le=4096, description="Longer side in pixels to which every image is scaled."
    )
    epochs: int | None = Field(
        None, ge=1, description="Passes over the images. Default: as many as fit the budget."
    )
    budget: str | None = Field(
        None,
        pattern=r"^\d+(\.\d+)?[smh]$",
        description="Time to take, 90s, 5m or 1h: of all threads of a processor, or by a GPU's clock."
        " Default: 5m for 60 images, growing as the root of their number.",
    )
    batch_size: int = Field(4, ge=1, le=1024, description="Images in a step.")
    least_steps: int = Field(
        32, ge=1, description="Least steps of an epoch: of few images each is shown more than once."
    )
    lr: float = Field(
        5e-4,
        gt=0.0,
        description="AdamW's largest learning rate; it rises to it, and falls to 0 along a cosine.",
    )
    weight_decay: float = Field(0.01, ge=0.0, description="AdamW's weight decay.")
    clip: float = Field(5.0, ge=0.0, description="Norm down to which gradients are scaled; 0: never.")
    flips: bool = Field(True, description="Half of the images are mirrored left to right.")
    zoom: float = Field(
        0.5, ge=0.0, le=2.0, description="Images are up to exp(zoom) times larger or smaller, and cut."
    )
    colour: float = Field(0.4, ge=0.0, le=1.0, description="Share by which colours are changed.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 where the device multiplies it faster."
    )
    seed: Seed = 0

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if self.epochs is not None and self.budget is not None:
            raise ValueError("epochs and budget are two ways to say how long: give one of them")
        return self


def seconds_of(budget: str) -> float:
    """``5m`` in seconds."""
    return float(budget[:-1]) * SECONDS[budget[-1]]


def usual_budget(images: int) -> float:
    """The seconds that are taken when none are given: 300 for 60 images, growing as the root of their number,
    so that of more images each is seen less often, yet all are seen longer."""
    return 300.0 * (max(images, 1) / 60.0) ** 0.5
