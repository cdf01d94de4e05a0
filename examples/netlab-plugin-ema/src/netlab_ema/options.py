"""The options: each field becomes a flag. Imports pydantic only."""

from pydantic import BaseModel, Field


class EmaOptions(BaseModel):
    """Options of callback 'ema'."""

    decay: float = Field(0.998, ge=0, lt=1, description="What a step leaves of the average.")


class SamOptions(BaseModel):
    """Options of callback 'sam'."""

    rho: float = Field(0.05, gt=0, description="How far from the weights the gradients are taken.")
