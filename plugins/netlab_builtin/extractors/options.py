"""Options of the feature extractors."""

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
