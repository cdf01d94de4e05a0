"""Names to components."""

from __future__ import annotations

import pytest

from netlab.engine.catalog import Catalog
from netlab.engine.manager import PluginManager
from netlab.engine.plugin import Plugin
from netlab.errors import PluginError, UsageError
from netlab.specs import ComponentSpec


def spec(
    name: str, *, kind: str = "block", target: str = "json:loads", tags: tuple[str, ...] = ()
) -> ComponentSpec:
    return ComponentSpec(kind=kind, name=name, summary="", target=target, tags=frozenset(tags))


def catalog_of(**distributions: list[ComponentSpec]) -> Catalog:
    manager = PluginManager(find=list)
    manager.plugins = [
        Plugin(name, name.replace("_", "-"), "1.0", "module", components=specs)
        for name, specs in distributions.items()
    ]
    return Catalog(manager)


def test_an_unknown_name_gets_the_closest_names(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="no block 'gruoped'. Did you mean 'grouped'"):
        catalog.find("block", "gruoped")


def test_a_name_like_no_other_gets_all_names(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="Known: .*grouped.*residual"):
        catalog.find("block", "xyz")


def test_a_clash_is_an_error_on_use_and_both_stay_listed() -> None:
    catalog = catalog_of(one=[spec("same")], two=[spec("same")])
    assert len(catalog.of_kind("block")) == 2
    with pytest.raises(UsageError, match="'same@one' or 'same@two'"):
        catalog.find("block", "same")
    assert catalog.find("block", "same@two").plugin.distribution == "two"


def test_a_variant_becomes_an_option() -> None:
    catalog = catalog_of(one=[spec("many", tags=("variants",)), spec("single")])
    assert catalog.find("block", "many:resnet18").preset == {"variant": "resnet18"}
    assert catalog.clashes(catalog.find("block", "many:resnet18")) == []
    with pytest.raises(UsageError, match="no variants"):
        catalog.find("block", "single:resnet18")


def test_only_netlabs_own_default_is_honoured() -> None:
    catalog = catalog_of(
        stranger=[spec("theirs", tags=("default",))], netlab_vision=[spec("ours", tags=("default",))]
    )
    assert catalog.default("block").name == "ours"
    with pytest.raises(UsageError, match="use --block NAME"):
        catalog_of(stranger=[spec("theirs", tags=("default",))]).default("block")


def test_an_option_out_of_range_is_a_usage_error(catalog: Catalog) -> None:
    grouped = catalog.find("block", "grouped")
    with pytest.raises(UsageError, match="option 'paths'.*99"):
        grouped.make_options({"paths": 99})
    with pytest.raises(UsageError, match="no option 'path'. Did you mean 'paths'"):
        grouped.make_options({"path": 2})


def test_a_target_that_does_not_load_names_the_plugin() -> None:
    catalog = catalog_of(stranger=[spec("lost", target="not_a_module:Block")])
    with pytest.raises(PluginError, match="block 'lost' of stranger 1.0 can not be loaded"):
        catalog.find("block", "lost").load()
    assert catalog.manager.failures[0].phase == "build"


def test_what_a_component_raises_names_it() -> None:
    catalog = catalog_of(stranger=[spec("json", target="json:loads"), spec("none", target="operator:neg")])
    with pytest.raises(UsageError, match="block 'json': Expecting property"):
        catalog.find("block", "json").build("{")  # a ValueError: the input does not fit
    with pytest.raises(PluginError, match="block 'none' of stranger 1.0 failed: TypeError"):
        catalog.find("block", "none").build("text")
