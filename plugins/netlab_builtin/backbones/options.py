"""The options of netlab's own backbones."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class CompactOptions(BaseModel):
    """Options of backbone 'compact'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expand: Literal["3x3", "1x1"] = Field(
        "3x3", description="Kernel of the fourth convolution; 1x1 keeps padding 1, so its output grows by 2."
    )
    output: Literal["logits", "softmax"] = Field(
        "logits",
        description="softmax ends the network with a softmax, as the report did; the loss follows it.",
    )
    width: int = Field(
        32, ge=1, le=1024, description="Channels of the first convolution; later ones grow with it."
    )


class ResNetOptions(BaseModel):
    """Options of backbone 'resnet'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    depth: int = Field(
        20, ge=8, description="Convolutions and dense layers, 6n+2: 8, 14, 20, 32, 44, 56, 110."
    )
    width: int = Field(
        16, ge=1, le=1024, description="Channels of the first stage; doubled at each of the next two."
    )

    @field_validator("depth")
    @classmethod
    def _is_6n_plus_2(cls, depth: int) -> int:
        if (depth - 2) % 6:
            below = depth - (depth - 2) % 6
            raise ValueError(f"depth must be 6n+2: {max(below, 8)} or {below + 6}")
        return depth


class LeanOptions(BaseModel):
    """Options of backbone 'lean'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(
        32, ge=1, le=1024, description="Channels of the first stage; four times as many in the other two."
    )
    whiten: bool = Field(
        True, description="Take the first convolution's filters from patches of training images."
    )
    whiten_eps: float = Field(5e-4, gt=0, description="Added to the variances of the patches.")
    dirac: bool = Field(True, description="Convolutions outside the blocks begin as the identity.")
    logit_scale: float = Field(1 / 9, gt=0, description="Factor of the logits.")
