"""Options of the wrong parts; nothing is wrong with them."""

from pydantic import BaseModel, ConfigDict, Field


class Kernel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kernel: int = Field(3, ge=1, le=7, description="Side of the kernel.")


class Share(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.5, ge=0, le=1, description="Share of the channels.")


class Warmup(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    warmup: float = Field(0.1, ge=0, le=1, description="Share of the steps.")


class Images(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    images: int = Field(60, ge=3, le=1000, description="Training images.")
