"""Declares netlab's own recipes."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="recipe",
        name="fast",
        summary="SGD with one linear cycle, 12 to 16 epochs, flips and shifts",
        target="netlab_builtin.recipes.fast:fast",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="recipe",
        name="lean",
        summary="Backbone, block, norm, Muon and six views for the most accuracy in little time",
        target="netlab_builtin.recipes.lean:lean",
        reference="Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024",
    )
    yield ComponentSpec(
        kind="recipe",
        name="transfer",
        summary="For pretrained backbones: the head first, then the last layers; validation chooses",
        target="netlab_builtin.recipes.transfer:transfer",
        tags=frozenset({"default-pretrained"}),
    )
    yield ComponentSpec(
        kind="recipe",
        name="report",
        summary="As in the report: 100 epochs, the rate divided by ten after 50, float32",
        target="netlab_builtin.recipes.report:report",
    )
