"""The options of netlab's own norms."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class BatchNormOptions(BaseModel):
    """Options of norm 'bn'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    momentum: float = Field(0.1, gt=0, le=1, description="Weight of a new batch in the running statistics.")
    eps: float = Field(1e-5, gt=0, description="Added to the variance.")
    scale: bool = Field(True, description="Learn a weight a channel; without, it stays 1.")


class GroupNormOptions(BaseModel):
    """Options of norm 'gn'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: int = Field(32, ge=1, description="Groups of channels outside blocks; must divide the channels.")
    block_groups: int = Field(4, ge=1, description="Groups of channels inside blocks.")
    eps: float = Field(1e-5, gt=0, description="Added to the variance.")


class LayerNormOptions(BaseModel):
    """Options of norm 'ln'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    eps: float = Field(1e-5, gt=0, description="Added to the variance.")
