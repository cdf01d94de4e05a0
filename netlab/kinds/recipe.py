"""Recipes: the values that nobody gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What a recipe may fit its values to. ``image_size`` is (height, width) in pixels; ``pretrained`` says
    that the network starts from weights that were trained on other images."""

    training_images: int
    image_size: tuple[int, int]
    classes: int
    pretrained: bool = False


class Recipe(Protocol):
    """A recipe component."""

    def __call__(self, facts: DataFacts, *, options: Any) -> Mapping[str, Any]:
        """The tables of ``config.toml`` that the recipe fills, as far as flags and file do not.

        Keys are the selectors of kinds (``backbone``, ``block``, ``norm``, ``activation``, ``optimizer``,
        ``schedule``, ``loss``: a table with the ``name`` of a part and options; ``augment``: a list of such
        tables, in order) and ``training``. A part that the
        user names has its own defaults, not the recipe's options for another.
        """
        ...
