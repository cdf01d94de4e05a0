"""The options of block 'squeeze-excite', each a flag, and the settings of the report's section.

Imports pydantic only.
"""

from pydantic import BaseModel, ConfigDict, Field


class SqueezeExciteOptions(BaseModel):
    """Options of block 'squeeze-excite'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reduction: int = Field(16, ge=1, le=256, description="How many times fewer numbers than channels.")


class ReportSettings(BaseModel):
    """Settings of the report's section: [plugins.squeeze-excite] in netlab.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    closed: float = Field(0.25, ge=0, le=0.5, description="Gates below it and above 1 - it are counted.")
