"""From what a user gave to all parts and values of a run.

What was given is tables as in ``config.toml``, each of which may lack its ``name``, any option, or be absent;
what lacks comes from the recipe, then from the defaults of parts and settings.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netlab.classification.settings import TrainingSettings, make_settings
from netlab.engine.catalog import Catalog, Component, Part
from netlab.errors import UsageError
from netlab.kinds import CHAIN_KINDS, KINDS
from netlab.kinds.recipe import DataFacts
from netlab.runs.config import CHAINS, PART_KINDS

Tables = Mapping[str, Any]

# A recipe names the same parts whatever the data: these facts serve to ask for them before it is loaded.
SOME_DATA = DataFacts(training_images=50_000, image_size=(32, 32), classes=10)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The components that a run is made of: one of each of ``PART_KINDS``, any number in order of each of
    ``CHAIN_KINDS``, by kind."""

    components: dict[str, Component]
    chains: dict[str, tuple[Component, ...]]

    @property
    def chain_names(self) -> dict[str, list[str]]:
        """The names of each chain's components, by the chain's selector."""
        return {KINDS[kind].selector: [part.name for part in chain] for kind, chain in self.chains.items()}

    @property
    def all(self) -> tuple[Component, ...]:
        return *self.components.values(), *itertools.chain(*self.chains.values())


@dataclass(frozen=True, slots=True)
class Assembly:
    """A run's parts, each with all its options, and its settings."""

    parts: dict[str, Part]
    chains: dict[str, tuple[Part, ...]]
    settings: TrainingSettings

    @property
    def is_pretrained(self) -> bool:
        """Whether its backbone comes with weights."""
        return "pretrained" in self.parts["backbone"].component.spec.tags

    @property
    def all(self) -> tuple[Part, ...]:
        return *self.parts.values(), *itertools.chain(*self.chains.values())


def choose_components(catalog: Catalog, given: Tables) -> Chosen:
    """The components that the tables name, or else the recipe, or else the defaults.

    Raises:
        UsageError: there is no such component.
        PluginError: the recipe failed.
    """
    components = {"recipe": recipe_of(catalog, given)}
    recipe = recipe_tables(components["recipe"], given.get("recipe", {}), SOME_DATA)
    for kind in (kind for kind in PART_KINDS if kind != "recipe"):
        selector = KINDS[kind].selector
        name = table_of(given, selector).get("name") or recipe.get(selector, {}).get("name")
        components[kind] = catalog.default(kind) if name is None else catalog.find(kind, str(name))
    chains = {}
    for kind in CHAIN_KINDS:
        tables = chain_of(given, recipe, KINDS[kind].selector)
        chains[kind] = tuple(catalog.find(kind, str(table["name"])) for table in tables)
    return Chosen(components, chains)


def chain_of(given: Tables, recipe: Tables, selector: str) -> Sequence[Mapping[str, Any]]:
    """The tables of a chain: those that were given, be they none, else the recipe's."""
    tables = given[selector] if given.get(selector) is not None else recipe.get(selector, [])
    return list(tables)


def complete(catalog: Catalog, given: Tables, facts: DataFacts, allowed: frozenset[str]) -> Assembly:
    """Every part with its options and every setting, fitted to the data.

    ``allowed`` are the changes of images that keep their labels. One that the recipe asks for and the data
    does not allow is off; one that the user asks for is refused.

    Raises:
        UsageError: an unknown part or option, a value out of range, or a change that is not allowed.
        PluginError: the recipe failed.
    """
    chosen = choose_components(catalog, given)
    recipe = recipe_tables(chosen.components["recipe"], given.get("recipe", {}), facts)
    parts = {}
    for kind, component in chosen.components.items():
        selector = KINDS[kind].selector
        usual = recipe.get(selector, {})
        inherited = options_in(usual) if names(usual, component) else {}
        options = {**inherited, **options_in(table_of(given, selector))}
        parts[kind] = Part(component, component.make_options(options))
    chains = {}
    for kind, found in chosen.chains.items():
        selector = KINDS[kind].selector
        tables = given[selector] if given.get(selector) is not None else [{}] * len(found)
        chains[kind] = tuple(
            allowed_part(component, options_in(table), recipe.get(selector, []), allowed)
            for component, table in zip(found, tables, strict=True)
        )
    training = {**recipe.get("training", {}), **given.get("training", {})}
    optimizer = chosen.components["optimizer"]
    if "lr" not in given.get("training", {}) and not names(recipe.get("optimizer", {}), optimizer):
        training |= usual_rate(optimizer)  # a rate for SGD would ruin what Adam has learnt
    for view, change in {"mirror": "horizontal-flip", "shift": "translation"}.items():
        if training.get(view) and change not in allowed:
            if given.get("training", {}).get(view):
                raise UsageError(f"--{view}: {changes_labels(change, allowed)}")
            del training[view]
    assembly = Assembly(parts, chains, make_settings(training))
    check_pretraining(assembly)
    return assembly


def check_pretraining(assembly: Assembly) -> None:
    """Refuse settings of a pretrained network where the backbone is none.

    Raises:
        UsageError: naming one.
    """
    settings, backbone = assembly.settings, assembly.parts["backbone"].component
    if assembly.is_pretrained:
        return
    asked = {
        "--weights": settings.weights is not None,
        "--train": settings.train != "all",
        "--head-epochs": settings.head_epochs > 0,
        "--normalize weights": settings.normalize == "weights",
    }
    for flag in (name for name, is_asked in asked.items() if is_asked):
        raise UsageError(
            f"{flag} is for a pretrained backbone, such as --backbone torchvision:mobilenet_v2:"
            f" {backbone.title} starts from nothing"
        )


def backbone_of(catalog: Catalog, given: Tables) -> Component:
    """The backbone that the tables name, or the recipe that they name, or the default."""
    name = table_of(given, "backbone").get("name")
    recipe = table_of(given, "recipe")
    if name is None and recipe.get("name") is not None:
        found = catalog.find("recipe", str(recipe["name"]))
        name = recipe_tables(found, recipe, SOME_DATA).get("backbone", {}).get("name")
    return catalog.default("backbone") if name is None else catalog.find("backbone", str(name))


def recipe_of(catalog: Catalog, given: Tables) -> Component:
    """The recipe that the tables name, or the default: another one where the backbone is pretrained."""
    name = table_of(given, "recipe").get("name")
    if name is not None:
        return catalog.find("recipe", str(name))
    pretrained = "pretrained" in backbone_of(catalog, given).spec.tags
    return catalog.default("recipe", "default-pretrained" if pretrained else "default")


def recipe_tables(recipe: Component, given: Mapping[str, Any], facts: DataFacts) -> Mapping[str, Any]:
    """What a recipe fills in for a data set.

    Raises:
        PluginError: it is no mapping of tables.
    """
    tables = recipe.build(facts, options=recipe.make_options(options_in(given)))
    if not isinstance(tables, Mapping) or not all(
        isinstance(value, Sequence if name in CHAINS else Mapping) for name, value in tables.items()
    ):
        raise recipe.broke("expected a mapping from names such as 'optimizer' to tables of options")
    return tables


def allowed_part(
    component: Component,
    asked: Mapping[str, Any],
    usual: Sequence[Mapping[str, Any]],
    allowed: frozenset[str],
) -> Part:
    """A part of a chain with its options, without the changes of images that the data does not allow.

    Raises:
        UsageError: the user asked for such a change.
    """
    inherited = next((table for table in usual if names(table, component)), None)
    values = {**(options_in(inherited) if inherited is not None else {}), **asked}
    options = component.make_options(values)
    if inherited is None:
        for change in CHANGES & component.spec.tags - allowed:
            raise UsageError(refused(component, change, allowed))
    switched_off = {}
    for option, change in changes_of(component).items():
        if change in allowed or not getattr(options, option):
            continue
        if option in asked:
            raise UsageError(refused(component, change, allowed))
        switched_off[option] = False if isinstance(getattr(options, option), bool) else 0
    return Part(component, component.make_options({**values, **switched_off}) if switched_off else options)


CHANGES = frozenset({"horizontal-flip", "vertical-flip", "translation", "rotation"})


def changes_of(component: Component) -> dict[str, str]:
    """The options of a part that turn a change of images on, and which one."""
    model = component.options_model()
    found = {}
    for option, field in (model.model_fields if model is not None else {}).items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and "changes" in extra:
            found[option] = str(extra["changes"])
    return found


def refused(component: Component, change: str, allowed: frozenset[str]) -> str:
    """Why an augmentation is not to be had for a data set."""
    return f"{component.title}: {changes_labels(change, allowed)}"


def changes_labels(change: str, allowed: frozenset[str]) -> str:
    """Which changes of an image a data set allows instead of one that it does not."""
    others = ", ".join(sorted(allowed)) or "none"
    return f"{change} would change the labels of this data set; it allows: {others}"


def names(table: Mapping[str, Any], component: Component) -> bool:
    """Whether a recipe's table is for this component: a recipe's parts are netlab's or its own plugin's."""
    name, _, distribution = str(table.get("name", "")).partition("@")
    return name == component.name and distribution in ("", component.plugin.distribution)


def usual_rate(optimizer: Component) -> dict[str, float]:
    """The peak rate that an optimizer's tag ``lr:VALUE`` names.

    Raises:
        PluginError: the tag holds no number.
    """
    for tag in optimizer.spec.tags:
        if tag.startswith("lr:"):
            try:
                return {"lr": float(tag.removeprefix("lr:"))}
            except ValueError:
                raise optimizer.broke(f"its tag '{tag}' holds no number") from None
    return {}


def table_of(given: Tables, selector: str) -> Mapping[str, Any]:
    """The table of a kind, empty where there is none.

    Raises:
        UsageError: it is no table.
    """
    table = given.get(selector, {})
    if not isinstance(table, Mapping):
        raise UsageError(f"'{selector}' in the configuration must be a table with a 'name'")
    return table


def options_in(table: Mapping[str, Any]) -> dict[str, Any]:
    """A part's table without its name."""
    return {key: value for key, value in table.items() if key != "name"}
