"""The options of netlab's own losses."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CrossEntropyOptions(BaseModel):
    """Options of loss 'cross-entropy'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label_smoothing: float = Field(
        0.1, ge=0, lt=1, description="Share of the target spread over all classes."
    )
    class_weights: tuple[float, ...] = Field(
        (), description="A weight a class, in the order of the classes; none: all 1."
    )


class FocalOptions(BaseModel):
    """Options of loss 'focal'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gamma: float = Field(2.0, ge=0, description="Power of the probability that is missing; 0: cross-entropy.")
    class_weights: tuple[float, ...] = Field(
        (), description="A weight a class, in the order of the classes; none: all 1."
    )
