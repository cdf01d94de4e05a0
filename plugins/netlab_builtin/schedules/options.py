"""The options of netlab's own schedules."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class OneCycleOptions(BaseModel):
    """Options of schedule 'one-cycle'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warmup: float = Field(0.25, ge=0, le=1, description="Share of the steps until the peak.")


class WarmupOptions(BaseModel):
    """Options of the schedules 'cosine', 'linear' and 'constant'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warmup: float = Field(0.0, ge=0, lt=1, description="Share of the steps in which the rate rises first.")


class StepOptions(BaseModel):
    """Options of schedule 'step'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: int = Field(50, ge=1, description="Epochs between two drops.")
    gamma: float = Field(0.1, gt=0, le=1, description="Factor of a drop.")
