"""The options of netlab's own activations."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class EluOptions(BaseModel):
    """Options of activation 'elu'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alpha: float = Field(1.0, gt=0, description="The value far below 0 is minus this.")


class LeakyReluOptions(BaseModel):
    """Options of activation 'leaky-relu'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slope: float = Field(0.01, ge=0, lt=1, description="The slope below 0.")


class GeluOptions(BaseModel):
    """Options of activation 'gelu'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    approximate: Literal["none", "tanh"] = Field("none", description="Exact, or by a hyperbolic tangent.")
