"""The options of proposer 'centre-surround': each field becomes a flag. Imports pydantic only."""

from pydantic import BaseModel, ConfigDict, Field


class CentreSurroundOptions(BaseModel):
    """Options of proposer 'centre-surround'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: int = Field(16, ge=8, le=1024, description="Side of the smallest windows in pixels.")
    ring: float = Field(1.5, gt=1, le=4, description="How much larger the surroundings are, a side.")
    bins: int = Field(4, ge=2, le=8, description="Bins of the colour histogram, a channel.")
