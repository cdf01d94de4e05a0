"""All parts and values of a run: defaults < recipe < what is given, fitted to the data."""

from __future__ import annotations

from typing import Any

import pytest

from netlab.classification.assembly import Assembly, choose_components, complete
from netlab.classification.given import merge_tables
from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.kinds.recipe import DataFacts

FACTS = DataFacts(training_images=45_000, image_size=(32, 32), classes=10)
EVERY = frozenset({"horizontal-flip", "vertical-flip", "translation", "rotation"})


def assembly(
    catalog: Catalog, facts: DataFacts = FACTS, allowed: frozenset[str] = EVERY, **given: Any
) -> Assembly:
    return complete(catalog, given, facts, allowed)


def names(found: Assembly) -> list[str]:
    return [part.component.name for part in found.chains["augmentation"]]


def test_the_report_recipe_is_the_reports_protocol(catalog: Catalog) -> None:
    found = assembly(catalog, recipe={"name": "report"})
    optimizer, schedule = found.parts["optimizer"], found.parts["schedule"]
    assert (optimizer.component.name, optimizer.options.momentum, optimizer.options.nesterov) == (
        "sgd",
        0.9,
        False,
    )
    assert (schedule.component.name, schedule.options.every, schedule.options.gamma) == ("step", 50, 0.1)
    assert found.parts["loss"].options.label_smoothing == 0
    settings = found.settings
    assert (settings.lr, settings.batch_size, settings.epochs) == (0.01, 128, 100)
    assert (settings.normalize, settings.precision, settings.weight_decay) == ("half", "fp32", 0)
    flip, translate, rotate = (part.options for part in found.chains["augmentation"])
    assert (flip.horizontal, flip.vertical, translate.pixels, rotate.degrees) == (True, True, 0, 15)


def test_what_is_given_wins_over_the_recipe(catalog: Catalog) -> None:
    found = assembly(catalog, recipe={"name": "report"}, optimizer={"momentum": 0.5}, training={"epochs": 3})
    assert found.parts["optimizer"].options.momentum == 0.5
    assert found.parts["optimizer"].options.nesterov is False  # still the recipe's
    assert (found.settings.epochs, found.settings.lr) == (3, 0.01)


def test_a_part_that_is_named_has_its_own_defaults_and_rate(catalog: Catalog) -> None:
    found = assembly(catalog, optimizer={"name": "adamw"}, schedule={"name": "cosine"})
    assert found.parts["optimizer"].options.beta1 == 0.9
    assert found.parts["schedule"].options.warmup == 0
    assert found.settings.lr == 0.002
    assert assembly(catalog, optimizer={"name": "adamw"}, training={"lr": 0.5}).settings.lr == 0.5


def test_the_recipes_rate_is_kept_for_the_recipes_optimizer(catalog: Catalog) -> None:
    assert assembly(catalog, optimizer={"name": "sgd"}).settings.lr == 0.1


def test_a_change_of_labels_is_off_where_the_recipe_asks_for_it_and_refused_to_the_user(
    catalog: Catalog,
) -> None:
    digits = frozenset({"translation"})
    found = assembly(catalog, allowed=digits)
    assert names(found) == ["flip", "translate"]
    assert not found.chains["augmentation"][0].options.horizontal
    assert found.chains["augmentation"][1].options.pixels == 4
    with pytest.raises(UsageError, match="'flip': horizontal-flip would change the labels.*allows: translat"):
        assembly(catalog, allowed=digits, augment=[{"name": "flip", "horizontal": True}])
    with pytest.raises(UsageError, match="'rotate': rotation would change the labels"):
        assembly(catalog, allowed=digits, augment=[{"name": "rotate", "degrees": 5}])
    with pytest.raises(UsageError, match="'crop-resize': translation would change the labels"):
        assembly(catalog, allowed=frozenset(), augment=[{"name": "crop-resize"}])


def test_the_chain_is_the_users_in_the_users_order(catalog: Catalog) -> None:
    found = assembly(catalog, augment=[{"name": "cutmix"}, {"name": "flip"}])
    assert names(found) == ["cutmix", "flip"]
    assert names(assembly(catalog, augment=[])) == []


def test_values_fit_the_data(catalog: Catalog) -> None:
    small = assembly(catalog, DataFacts(400, (64, 48), 2))
    assert (small.settings.batch_size, small.settings.epochs) == (20, 16)
    assert small.chains["augmentation"][1].options.pixels == 6
    assert assembly(catalog, DataFacts(1_000_000, (32, 32), 2)).settings.epochs == 12


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"training": {"epoch": 3}}, "no key 'epoch'. Did you mean 'epochs'"),
        ({"recipe": {"name": "raport"}}, "no recipe 'raport'. Did you mean 'report'"),
        ({"training": {"batch_size": 0}}, "--batch-size 0"),
        ({"optimizer": {"momentun": 0.1}}, "no option 'momentun'. Did you mean 'momentum'"),
        ({"schedule": "cosine"}, "'schedule' in the configuration must be a table"),
        ({"loss": {"name": "focall"}}, "no loss 'focall'. Did you mean 'focal'"),
    ],
)
def test_what_does_not_fit_is_named(catalog: Catalog, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        assembly(catalog, **given)


def test_components_are_known_before_the_data(catalog: Catalog) -> None:
    chosen = choose_components(catalog, {"recipe": {"name": "report"}, "norm": {"name": "bn"}})
    assert chosen.components["schedule"].name == "step"
    assert chosen.components["norm"].name == "bn"
    assert [part.name for part in chosen.chains["augmentation"]] == ["flip", "translate", "rotate"]


def test_flags_go_before_the_file_and_another_part_drops_its_options() -> None:
    file = {"block": {"name": "grouped", "paths": 4}, "optimizer": {"momentum": 0.5}, "training": {"lr": 1}}
    flags: dict[str, dict[str, Any]] = {"parts": {"block": "residual"}, "training": {"seed": 2}}
    assert merge_tables(file, flags) == {
        "block": {"name": "residual"},
        "optimizer": {"momentum": 0.5},
        "training": {"lr": 1, "seed": 2},
    }


def test_options_of_augmentations_reach_the_chain_of_flags_of_the_file_and_of_the_recipe() -> None:
    turned: dict[str, dict[str, Any]] = {"augment": {"rotate": {"degrees": 5}}}
    named = {**turned, "parts": {"augment": ["flip", "rotate"]}}
    file = {"augment": [{"name": "rotate", "degrees": 9}, {"name": "erase"}]}
    assert merge_tables({}, named)["augment"] == [{"name": "flip"}, {"name": "rotate", "degrees": 5}]
    assert merge_tables(file, turned)["augment"] == [{"name": "rotate", "degrees": 5}, {"name": "erase"}]
    assert merge_tables(file, {})["augment"] == file["augment"]
    assert merge_tables({}, turned, {"augment": ["flip", "rotate"]})["augment"][1] == {
        "name": "rotate",
        "degrees": 5,
    }
    assert "augment" not in merge_tables({}, {}, {"augment": ["flip"]})
