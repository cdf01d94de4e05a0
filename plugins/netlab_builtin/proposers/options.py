"""Options of the region proposers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SelectiveSearchOptions(_Options):
    """Options of ``selective-search``."""

    mode: Literal["fast", "quality"] = Field("fast", description="12 hierarchies, or 80.")
    smoothing: float = Field(0.8, ge=0.0, le=5.0, description="Blur before segmentation: sigma in pixels.")
    min_region: int = Field(100, ge=1, description="Smallest region that is merged from, in pixels.")
    unions: int = Field(
        15, ge=0, description="Last merged regions whose union with each neighbour is proposed too."
    )


class OpenCVSelectiveSearchOptions(_Options):
    """Options of ``selective-search-cv2``."""

    mode: Literal["fast", "quality", "single"] = Field("fast", description="OpenCV's strategy.")


class SlidingWindowOptions(_Options):
    """Options of ``sliding-window``."""

    scales: tuple[float, ...] = Field(
        (0.2, 0.3, 0.45, 0.65, 0.9),
        min_length=1,
        description="Window sizes: square root of the area as a share of the image's shorter side.",
    )
    ratios: tuple[float, ...] = Field(
        (0.6, 1.0, 1.7), min_length=1, description="Window shapes: width over height."
    )
    stride: float = Field(0.25, gt=0.0, le=1.0, description="Step as a share of the window's own side.")


class EdgeBoxesOptions(_Options):
    """Options of ``edge-boxes``."""

    alpha: float = Field(
        0.65, gt=0.0, le=0.85, description="Step of the window search, as IoU of neighbours."
    )
    beta: float = Field(0.75, gt=0.0, lt=1.0, description="IoU above which the lower-scored box is dropped.")
    min_score: float = Field(0.005, ge=0.0, description="Boxes that score less are dropped.")
    min_area: float = Field(400.0, ge=1.0, description="Smallest box in square pixels.")
    max_aspect: float = Field(3.0, ge=1.0, description="Largest ratio of a box's sides.")
