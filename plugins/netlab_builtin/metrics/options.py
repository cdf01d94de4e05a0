"""The options of netlab's own metrics."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TiesOptions(_Options):
    """How tied nearest points count."""

    ties: Literal["fractional", "lowest-index", "optimistic", "pessimistic"] = Field(
        "fractional",
        description="Tied nearest points: share of the point's class, first in the data, best or worst.",
    )


class CentresOptions(_Options):
    """What chance is."""

    permutations: int = Field(
        0, ge=0, le=10_000, description="Random orders of the labels that say what chance is (0: none)."
    )


class OrderOptions(_Options):
    """How many neighbours count."""

    order: int = Field(3, ge=1, description="Number of nearest points.")
    ties: Literal["fractional", "lowest-index"] = Field(
        "fractional", description="Tied last points: the mean over their orders, or the first in the data."
    )


class IntrinsicDimensionOptions(_Options):
    """Options of metric 'intrinsic-dimension'."""

    discard: float = Field(0.1, ge=0, lt=1, description="Share of the largest ratios left out of the fit.")


class LinearProbeOptions(_Options):
    """Options of metric 'linear-probe'."""

    alpha: float = Field(1.0, gt=0, description="Weight of the squared norm of the classifier.")


class SmoothnessOptions(_Options):
    """Options of metric 'smi'."""

    form: Literal["linear", "exponential"] = Field("linear", description="How a distance becomes a score.")
    gamma: float = Field(1.0, gt=0, description="Steepness of the exponential form.")


class FeatureRankingOptions(_Options):
    """Options of metric 'feature-ranking'."""

    top: int = Field(10, ge=1, description="Number of features to select.")
