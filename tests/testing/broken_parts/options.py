"""Options that break one rule each."""

from pydantic import BaseModel, Field, field_serializer


class NoFlag(BaseModel):
    table: dict[str, int] = Field(default={}, description="A type that no flag can hold.")


class BadDefault(BaseModel):
    paths: int = Field(0, ge=1, description="A default out of its own range.")


class Lossy(BaseModel):
    paths: int = Field(2, ge=1, description="Written as another number.")

    @field_serializer("paths", when_used="json")
    def _one_more(self, paths: int) -> int:
        return paths + 1
