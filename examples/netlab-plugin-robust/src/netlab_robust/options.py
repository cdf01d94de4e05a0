"""The options: each field becomes a flag. Imports pydantic only."""

from pydantic import BaseModel, Field


class PolyOptions(BaseModel):
    """Options of loss 'poly'."""

    epsilon: float = Field(1.0, ge=-1, description="What is added to the first coefficient.")


class ResizeMixOptions(BaseModel):
    """Options of augmentation 'resize-mix'."""

    smallest: float = Field(0.1, gt=0, le=1, description="Least side of the pasted image, of the side.")
    largest: float = Field(0.8, gt=0, le=1, description="Greatest side of the pasted image, of the side.")
