"""The options of netlab's own optimizers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SgdOptions(BaseModel):
    """Options of optimizer 'sgd'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    momentum: float = Field(0.9, ge=0, lt=1, description="Share of the last step that the next one keeps.")
    nesterov: bool = Field(True, description="Nesterov's momentum.")


class AdamWOptions(BaseModel):
    """Options of optimizer 'adamw'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    beta1: float = Field(0.9, ge=0, lt=1, description="Decay of the mean of the gradients.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Decay of the mean of their squares.")
    eps: float = Field(1e-8, gt=0, description="Added to the root of the squares.")


class MuonOptions(BaseModel):
    """Options of optimizer 'muon'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    momentum: float = Field(0.6, ge=0, lt=1, description="Of the filters: share of the last step kept.")
    nesterov: bool = Field(True, description="Of the filters: Nesterov's momentum.")
    iterations: int = Field(3, ge=1, le=10, description="Newton-Schulz iterations of a step.")
    normalize: bool = Field(
        False, description="After a step, scale each filter bank to the norm sqrt(its filters)."
    )
    rest_lr: float = Field(
        0.1, gt=0, description="Rate of the dense layers, biases and norms, as a share of the filters'."
    )
    rest_momentum: float = Field(0.85, ge=0, lt=1, description="Momentum of those.")
