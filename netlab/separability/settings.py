"""How to measure, whatever is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from netlab.separability.space.feature_space import DEFAULT_MEMORY


@dataclass(frozen=True, slots=True)
class MeasurementSettings:
    """How many points, how they are scaled, and within which memory.

    ``split`` is train, test or both; ``fraction`` of the points are drawn with ``seed``, of them
    ``sample_queries`` as queries; ``memory`` is in bytes; ``nan`` says what becomes of points with a
    feature that is not finite: ``raise`` or ``omit``.
    """

    split: str = "both"
    fraction: float = 0.1
    seed: int = 0
    standardize: bool = True
    memory: int = DEFAULT_MEMORY
    batch_size: int = 256
    sample_queries: int | None = None
    nan: Literal["raise", "omit"] = "raise"

    def record(self, subject: str) -> dict[str, Any]:
        """What was measured and how, as far as values depend on it."""
        return {
            "of": subject,
            "fraction": self.fraction,
            "seed": self.seed,
            "standardize": self.standardize,
            "sample_queries": self.sample_queries,
            "nan": self.nan,
        }
