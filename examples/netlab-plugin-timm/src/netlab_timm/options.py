"""The options of the parts: each field becomes a flag. Imports pydantic only."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Attention = Literal["none", "cbam", "eca", "ecam", "ese", "gc", "gca", "lcbam", "se"]
VARIANT = "The network, as timm names it; list them with: netlab timm-models."


class Options(BaseModel):
    """What all have in common: an unknown option is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class GroupNormOptions(Options):
    """Options of norm 'timm-groupnorm'."""

    groups: int = Field(32, ge=1, le=1024, description="Into how many groups the channels are divided.")


class BlockOptions(Options):
    """Options of blocks 'timm-basic' and 'timm-bottleneck'."""

    attention: Attention = Field("none", description="What weighs the channels of the residual path.")


class BackboneOptions(Options):
    """Options of backbone 'timm'."""

    variant: str = Field("resnet18", description=VARIANT)
    drop: float = Field(0.0, ge=0, lt=1, description="Dropout before the dense layer.")


class PretrainedOptions(Options):
    """Options of backbone 'timm-pretrained'."""

    variant: str = Field("resnet18", description=VARIANT)


class ExtractorOptions(Options):
    """Options of extractor 'timm'."""

    variant: str = Field("resnet18", description=VARIANT)
    crop_size: int = Field(
        160, ge=32, le=1024, description="Side in pixels to which a region is warped (crop)."
    )
