"""The options: each field becomes a flag. Imports pydantic only."""

from typing import Annotated

from pydantic import BaseModel, Field

from netlab.kinds.chosen_part import ChosenPart
from netlab.specs import PartOf


class EcaOptions(BaseModel):
    """Options of attention 'eca'."""

    k: int = Field(3, ge=1, le=15, description="Neighbouring channels, made odd.")


class SeOptions(BaseModel):
    """Options of attention 'se'."""

    reduction: int = Field(16, ge=1, description="How many times fewer numbers than channels.")


class AttentiveOptions(BaseModel):
    """Options of block 'attentive'."""

    attention: Annotated[ChosenPart, PartOf("attention")] = Field(
        "eca", validate_default=True, description="What weighs the channels."
    )
