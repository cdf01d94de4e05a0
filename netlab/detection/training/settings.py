"""The settings of ``netlab detect train`` for detectors made of regions, with their ranges."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from netlab.engine.option_types import Seed


class DetectionSettings(BaseModel):
    """How a detector is trained. Resuming needs the same values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: Literal["roialign", "crop"] = Field(
        "roialign", description="One map an image, or a crop a region."
    )
    image_side: int = Field(
        512, ge=64, le=4096, description="Longer side in pixels of the image whose map is pooled (roialign)."
    )
    limit: int = Field(2000, ge=1, le=10_000, description="Most proposals of an image.")
    long_side: int = Field(
        400, ge=32, le=4096, description="Longer side in pixels at which regions are proposed."
    )
    min_side: float = Field(10.0, ge=1.0, description="Smallest side of a proposal, in pixels of that size.")
    positive_iou: float = Field(
        0.5, gt=0.0, le=1.0, description="IoU from which a region is its object's class."
    )
    background_iou: float = Field(0.0, ge=0.0, lt=1.0, description="IoU from which a region is background.")
    regression_iou: float = Field(0.4, gt=0.0, le=1.0, description="IoU from which a box is regressed.")
    jitter: int = Field(16, ge=0, description="Shifted and stretched copies of each true box that are added.")
    flips: bool = Field(True, description="Also train on images mirrored left to right.")
    background_ratio: int = Field(3, ge=1, description="Background regions for each positive one in a batch.")
    hard_negatives: bool = Field(True, description="Add the background that looks most like a class.")
    mine_after: int = Field(3, ge=1, description="Epochs before the hard negatives are looked for.")
    class_weights: Literal["none", "inverse"] = Field(
        "none", description="Weight the loss by class: not at all, or by inverse frequency."
    )
    decay: float = Field(0.3, ge=0.0, description="Weight of the squared weights in the loss.")
    epochs: int = Field(12, ge=1, description="Passes over the positive regions.")
    batch_size: int = Field(128, ge=4, le=1_000_000, description="Regions in a step.")
    lr: float = Field(0.002, gt=0.0, description="Adam's first learning rate; it falls to 0 along a cosine.")
    seed: Seed = 0
