"""The options of netlab's own blocks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ConvOptions(BaseModel):
    """Options of block 'conv'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dirac: bool = Field(True, description="Filters begin as the identity.")


class ResidualOptions(BaseModel):
    """Options of block 'residual'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skip: bool = Field(True, description="Add the block's input to its output.")


class GroupedPathOptions(ResidualOptions):
    """Options of block 'grouped'."""

    paths: int = Field(2, ge=1, le=64, description="How many parallel paths are summed.")
