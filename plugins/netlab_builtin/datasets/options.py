"""The options of netlab's own datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Augmentation = Literal["horizontal-flip", "vertical-flip", "translation", "rotation"]


class DigitsOptions(BaseModel):
    """Options of dataset 'digits'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(32, ge=8, le=256, description="Side of the images in pixels, enlarged from 8.")


class NpzOptions(BaseModel):
    """Options of dataset 'npz'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(description="The file.")
    augmentations: tuple[Augmentation, ...] = Field(
        ("horizontal-flip", "translation"), description="What keeps the labels of these images."
    )


class FolderOptions(BaseModel):
    """Options of dataset 'folder'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(description="The folder with train/ and test/ (and val/, if there is one).")
    size: int = Field(32, ge=4, le=1024, description="Side in pixels to which every image is resized.")
    grey: bool = Field(False, description="Read the images in grey.")
    augmentations: tuple[Augmentation, ...] = Field(
        ("horizontal-flip", "translation"), description="What keeps the labels of these images."
    )
