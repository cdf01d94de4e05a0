"""Options of the feature extractors and of the pretrained backbones."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ExtractorOptions(BaseModel):
    """Options of every extractor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    crop_size: int = Field(
        160, ge=32, le=1024, description="Side in pixels to which a region is warped (crop)."
    )


class TorchvisionOptions(ExtractorOptions):
    """Options of ``torchvision``."""

    variant: str = Field("resnet18", description="The classifier, as torchvision names it.")


class TorchvisionBackboneOptions(BaseModel):
    """Options of backbone ``torchvision``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variant: str = Field("resnet18", description="The classifier, as torchvision names it.")
