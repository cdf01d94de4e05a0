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
    most_gib: float = Field(
        8.0, gt=0, description="GiB that its arrays may take in memory; a small file may declare many."
    )
    augmentations: tuple[Augmentation, ...] = Field(
        ("horizontal-flip", "translation"), description="What keeps the labels of these images."
    )


class FolderOptions(BaseModel):
    """Options of dataset 'folder'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(
        description="The folder: CLASS/*.jpg, or train/CLASS/*.jpg and test/CLASS/*.jpg; or a .csv or"
        " .parquet list of path, label and perhaps split."
    )
    size: int = Field(
        32,
        ge=4,
        le=1024,
        description="Side in pixels of the images that the network sees.",
        json_schema_extra={"shown_default": "32, or as pretrained weights expect"},
    )
    shorter: int = Field(
        0,
        ge=0,
        le=2048,
        description="Pixels of the shorter side, of which the middle is cut out; 0: stretched.",
        json_schema_extra={"shown_default": "0, or as pretrained weights expect"},
    )
    resampling: Literal["bilinear", "bicubic"] = Field(
        "bilinear", description="How the shorter side is resized."
    )
    test: float = Field(0.2, gt=0, lt=1, description="Share of each class to test on if there is no test/.")
    test_seed: int = Field(0, ge=0, lt=2**63, description="Seed of that share.")
    grey: bool = Field(False, description="Read the images in grey.")
    augmentations: tuple[Augmentation, ...] = Field(
        ("horizontal-flip", "translation"), description="What keeps the labels of these images."
    )
