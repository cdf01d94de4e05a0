"""The options of netlab's own augmentations.

``changes`` names the change that a data set must allow when the option is on.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]


class FlipOptions(BaseModel):
    """Options of augmentation 'flip'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    horizontal: bool = Field(
        True,
        description="Mirror half of them left to right.",
        json_schema_extra={"changes": "horizontal-flip"},
    )
    vertical: bool = Field(
        False, description="Mirror half of them upside down.", json_schema_extra={"changes": "vertical-flip"}
    )
    alternate: bool = Field(
        False, description="Left to right in every second epoch, not by chance in each; half start so."
    )


class TranslateOptions(BaseModel):
    """Options of augmentation 'translate'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pixels: int = Field(
        4, ge=0, description="Furthest shift each way.", json_schema_extra={"changes": "translation"}
    )


class RotateOptions(BaseModel):
    """Options of augmentation 'rotate'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    degrees: float = Field(
        15.0, ge=0, le=180, description="Furthest turn each way.", json_schema_extra={"changes": "rotation"}
    )


class CropResizeOptions(BaseModel):
    """Options of augmentation 'crop-resize'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least_area: float = Field(0.35, gt=0, le=1, description="Smallest part of the image that is cut out.")
    ratio: float = Field(1.33, ge=1, le=10, description="Most that a part is stretched to one side.")


class ColorJitterOptions(BaseModel):
    """Options of augmentation 'color-jitter'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brightness: float = Field(0.4, ge=0, le=1, description="Brightness times 1 minus to 1 plus this.")
    contrast: float = Field(0.4, ge=0, le=1, description="Contrast likewise.")
    saturation: float = Field(0.4, ge=0, le=1, description="Saturation likewise; nothing to grey images.")


class EraseOptions(BaseModel):
    """Options of augmentation 'erase'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    probability: Share = Field(0.5, description="Share of the images.")
    least_area: float = Field(0.02, gt=0, le=1, description="Smallest rectangle, as a share of the image.")
    most_area: float = Field(0.33, gt=0, le=1, description="Largest rectangle.")
    ratio: float = Field(
        3.3, ge=1, le=10, description="Most that its height differs from its width, as a factor."
    )

    @model_validator(mode="after")
    def _areas_in_order(self) -> EraseOptions:
        if self.least_area > self.most_area:
            raise ValueError("least_area is above most_area")
        return self


class MixupOptions(BaseModel):
    """Options of augmentation 'mixup'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alpha: float = Field(0.2, gt=0, description="Both parameters of the beta distribution of the shares.")


class CutmixOptions(BaseModel):
    """Options of augmentation 'cutmix'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alpha: float = Field(1.0, gt=0, description="Both parameters of the beta distribution of the areas.")
    probability: Share = Field(0.5, description="Share of the images.")
