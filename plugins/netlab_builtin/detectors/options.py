"""Options of netlab's own detectors."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RCNNOptions(BaseModel):
    """Options of ``rcnn``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden: int = Field(
        0, ge=0, le=4096, description="Units of a hidden layer before the logits; 0 for a linear head."
    )
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="Dropout around the hidden layer.")
    fit: int = Field(
        128, ge=0, le=4096,
        description="Units of the layer that predicts how well a box fits; 0: it is not predicted.",
    )  # fmt: skip


class FasterRCNNOptions(BaseModel):
    """Options of ``faster-rcnn``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frozen_stride: int = Field(
        4, ge=1, le=64, description="Layers up to the map of this stride keep the weights they have."
    )
    first_stride: int = Field(
        8,
        ge=2,
        le=64,
        description="Stride of the pyramid's finest map; 4 finds smaller objects, slower.",
    )
    channels: int = Field(128, ge=8, le=1024, description="Channels of the pyramid.")
    hidden: int = Field(512, ge=8, le=4096, description="Units of the two layers that see a region.")
    proposals: int = Field(150, ge=1, le=2000, description="Most regions of an image that are classified.")
    sampled_regions: int = Field(128, ge=4, le=2048, description="Regions of an image in a training step.")
    suppression: float = Field(
        0.5, gt=0.0, le=1.0, description="Overlap (IoU) above which the weaker of two boxes of a class goes."
    )
