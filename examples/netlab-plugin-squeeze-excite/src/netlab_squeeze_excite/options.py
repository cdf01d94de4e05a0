"""The options of block 'squeeze-excite': each field becomes a flag. Imports pydantic only."""

from pydantic import BaseModel, ConfigDict, Field


class SqueezeExciteOptions(BaseModel):
    """Options of block 'squeeze-excite'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reduction: int = Field(16, ge=1, le=256, description="How many times fewer numbers than channels.")
