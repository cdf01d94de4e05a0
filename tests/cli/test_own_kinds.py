"""Kinds that plugins define, and options that name a part of another kind."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netlab.engine.catalog import Catalog, parts_within
from netlab.engine.manager import PluginManager
from netlab.errors import PluginError, UsageError
from netlab.network import Part
from netlab.runs.config import part_table
from netlab.specs import ComponentSpec
from netlab.sweep.grid import count_combinations, expand
from netlab.testing.distributions import write_distribution
from netlab.testing.parametrize import bound_checks
from tests.cli.conftest import Install, sound, state_of
from tests.conftest import Cli

SOURCE = Path(__file__).parents[2] / "examples" / "netlab-plugin-attention" / "src"


@pytest.fixture
def attention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example package, as if it were installed."""
    points = {"netlab.v1": {"attention": "netlab_attention.plugin"}}
    write_distribution(tmp_path / "attention", "netlab-plugin-attention", "0.1.0", points)
    monkeypatch.syspath_prepend(SOURCE)
    monkeypatch.syspath_prepend(tmp_path / "attention")
    before = set(sys.modules)
    yield
    for module in set(sys.modules) - before:
        if module.startswith("netlab_attention"):
            del sys.modules[module]


@pytest.fixture
def catalog(attention: None) -> Catalog:
    return Catalog(PluginManager.from_environment())


def table_of(catalog: Catalog, values: dict[str, Any]) -> dict[str, Any]:
    block = catalog.find("block", "attentive")
    return part_table(Part(block, block.make_options(values)), catalog)


def test_a_kind_of_a_plugin_is_listed_shown_and_checked(cli: Cli, attention: None) -> None:
    listed = cli("plugins", "list", "--kind", "attention").out
    assert listed.startswith("attention\n")
    assert "Efficient channel attention" in listed
    shown = cli("plugins", "show", "eca").out
    assert "(N, channels, H, W) to the same shape" in " ".join(shown.split())
    checked = cli("plugins", "check", "eca")
    assert checked.code == 0, checked.out
    assert "conformance" in checked.out


def test_the_checks_of_the_kind_run_beside_those_of_every_kind(catalog: Catalog) -> None:
    names = [check.check.name for check in bound_checks(catalog.find("attention", "se"))]
    assert "docstring" in names
    assert names[-1] == "shape"
    for check in bound_checks(catalog.find("attention", "se")):
        check()


def test_an_option_names_a_part_and_the_table_holds_its_options(catalog: Catalog) -> None:
    given = {"attention": {"name": "se", "reduction": 4}}
    assert table_of(catalog, given) == {"name": "attentive", **given}
    assert table_of(catalog, {}) == {"name": "attentive", "attention": {"name": "eca", "k": 3}}
    assert table_of(catalog, {"attention": {"k": 7}})["attention"] == {"name": "eca", "k": 7}
    assert table_of(catalog, {"attention": "se"})["attention"] == {"name": "se", "reduction": 16}


def test_the_part_that_an_option_names_is_built_with_its_options(catalog: Catalog) -> None:
    block = catalog.find("block", "attentive")
    options: Any = block.make_options({"attention": {"name": "eca", "k": 5}})
    assert options.attention(8).mix.weight.shape == (1, 1, 5)
    assert [part.who for part in parts_within(options)] == [
        "attention 'eca' of netlab-plugin-attention 0.1.0"
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("ecaa", "there is no attention 'ecaa'. Did you mean 'eca'"),
        ({"name": "eca", "kk": 1}, "attention 'eca' has no option 'kk'. Did you mean 'k'"),
        ({"name": "eca", "k": 99}, "attention 'eca', option 'k'"),
        (7, "expected the name of a part"),
    ],
)
def test_what_names_no_part_is_one_clear_error(catalog: Catalog, value: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        catalog.find("block", "attentive").make_options({"attention": value})
    assert message in str(caught.value)


def printed(cli: Cli, *words: str) -> Any:
    """The block's table of a configuration that is only printed."""
    outcome = cli("run", "--block", "attentive", "--data.size", "24", "--print-config", *words)
    assert outcome.code == 0, outcome.err
    return tomllib.loads(outcome.out)["block"]


GRID = {"attention": [{"name": "eca", "k": 3}, {"name": "eca", "k": 5}, {"name": "se"}]}


@pytest.mark.parametrize(
    "table",
    [
        GRID,
        {"attention": [{"name": "eca", "k": [3, 5]}, "se"]},
        {"attention": {"name": ["eca", "se"], "k": [3, 5]}},
    ],
)
def test_a_grid_varies_the_part_and_those_of_its_options_that_it_has(
    catalog: Catalog, table: dict[str, Any]
) -> None:
    tables = {"block": {"name": "attentive", **table}}
    found = [candidate.given["block"]["attention"] for candidate in expand(catalog, tables)]
    assert found == GRID["attention"]
    assert count_combinations(catalog, tables) == 3
    only_options = {"block": {"name": "attentive", "attention": {"k": [3, 5]}}}
    assert [c.given["block"]["attention"] for c in expand(catalog, only_options)] == GRID["attention"][:2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ["eca", "se"], "kk": [1]}, "attention 'eca' and attention 'se' have no option 'kk'"),
        (["eca", "see"], "there is no attention 'see'. Did you mean 'se'"),
        ({"name": "eca", "k": []}, "'k' of the grid is an empty list"),
    ],
)
def test_a_grid_of_what_is_no_part_is_refused(catalog: Catalog, given: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        expand(catalog, {"block": {"name": "attentive", "attention": given}})


def test_a_sweep_takes_several_parts_and_several_values_of_their_options(cli: Cli, attention: None) -> None:
    words = ("--block", "attentive", "--data.size", "24", "--width", "4", "--epochs", "1", "--dry-run")
    parts = ("--block.attention", "eca,se", "--block.attention.k", "3,5", "--reduction", "4")
    done = cli("sweep", *words, "--seeds", "1", *parts)
    assert done.code == 0, done.err
    assert "3 runs: 3 assemblies x 1 seed" in done.out
    assert cli("sweep", *words, "--seeds", "1", "--block.attention.k", "3,99").code == 2
    assert "--block.attention.k" in cli("sweep", "--block", "attentive", "--help").out
    grid = '[block]\nname = "attentive"\nattention = [{name = "eca", k = [3, 5]}, "se"]\n'
    Path("grid.toml").write_text(grid)
    assert "3 runs" in cli("sweep", "--grid", "grid.toml", *words[2:], "--seeds", "1").out


def test_flags_name_the_part_and_its_options(cli: Cli, attention: None, tmp_path: Path) -> None:
    assert printed(cli)["attention"] == {"name": "eca", "k": 3}
    assert printed(cli, "--block.attention.k", "5")["attention"] == {"name": "eca", "k": 5}
    assert printed(cli, "--attention", "se", "--reduction", "4")["attention"] == {
        "name": "se",
        "reduction": 4,
    }
    helped = cli("run", "--block", "attentive", "--block.attention", "se", "--help").out
    assert "Attention 'se'" in helped
    assert "--block.attention.reduction" in helped
    wrong = cli("run", "--block", "attentive", "--block.attention", "sea", "--print-config")
    assert wrong.code == 2
    assert "there is no attention 'sea'. Did you mean 'se'" in wrong.err


def test_a_file_names_the_part_and_flags_go_before_it(cli: Cli, attention: None) -> None:
    Path("a.toml").write_text('[block]\nname = "attentive"\n[block.attention]\nname = "se"\nreduction = 2\n')
    file = ("--config", "a.toml")
    assert printed(cli, *file)["attention"] == {"name": "se", "reduction": 2}
    assert printed(cli, *file, "--reduction", "8")["attention"] == {"name": "se", "reduction": 8}
    assert printed(cli, *file, "--attention", "eca")["attention"] == {"name": "eca", "k": 3}


def test_a_run_trains_with_it_records_it_and_is_repeated_from_its_file(
    cli: Cli, attention: None, tiny: tuple[str, ...]
) -> None:
    words = (*tiny, "--epochs", "1", "--block", "attentive", "--block.attention.k", "5")
    outcome = cli("run", *words, "--name", "r")
    assert outcome.code == 0, outcome.err
    config = tomllib.loads(Path("runs/r/config.toml").read_text())
    assert config["block"] == {"name": "attentive", "attention": {"name": "eca", "k": 5}}
    again = cli("run", "--config", "runs/r/config.toml", "--print-config")
    assert tomllib.loads(again.out) == config
    assert cli("metrics", "csi", "--run", "r", "--layers", "conv1").code == 0


KIND = """
from netlab.specs import ComponentSpec, KindSpec, hookimpl

@hookimpl
def netlab_kinds():
    {kinds}

@hookimpl
def netlab_components():
    yield ComponentSpec("block", "fine", "A part", "a:b")
"""


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ("return [42]", "netlab_kinds gave 42, not a KindSpec"),
        ("return [KindSpec('block', 'blocks', 'x', 'a:b')]", "the kind 'block' is netlab's own"),
        ("return [KindSpec('Loud', 'louds', 'x', 'a:b')]", "kind 'Loud' may hold only a-z"),
        ("return [KindSpec('loud', 'louds', 'x', 'nowhere')]", "not of the form 'package.module:attribute'"),
    ],
)
def test_a_kind_that_is_declared_badly_costs_only_itself(
    cli: Cli, install: Install, kinds: str, message: str
) -> None:
    install("kinds", KIND.format(kinds=kinds))
    row = state_of(cli, "kinds")
    assert row["state"] == "in part"
    assert message in row["failures"][0]
    assert "fine" in cli("plugins", "list", "--kind", "block").out


def test_a_kind_that_two_plugins_define_is_the_failure_of_the_second(cli: Cli, install: Install) -> None:
    kinds = "return [KindSpec('loud', 'louds', 'x', 'a:b')]"
    install("one", KIND.format(kinds=kinds))
    install("two", KIND.format(kinds=kinds))
    assert state_of(cli, "one")["state"] == "ok"
    assert "the kind 'loud' is another plugin's" in state_of(cli, "two")["failures"][0]


OPTIONS = """
from typing import Annotated
from pydantic import BaseModel, Field
from netlab.kinds.chosen_part import ChosenPart
from netlab.specs import PartOf

class Options(BaseModel):
    part: {annotation} = Field("eca", validate_default=True)
"""


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ("ChosenPart", "option 'part' does not say its kind: Annotated[ChosenPart, PartOf(KIND)]"),
        (
            "Annotated[ChosenPart, PartOf('blok')]",
            "option 'part' is of unknown kind 'blok'. Did you mean 'block'",
        ),
    ],
)
def test_an_option_of_an_unknown_kind_is_its_plugins_failure(
    install: Install, annotation: str, message: str
) -> None:
    install("odd", sound("odd", options="odd_part_options:Options"),
            odd_part_options=OPTIONS.format(annotation=annotation))  # fmt: skip
    component = Catalog(PluginManager.from_environment()).find("block", "odd")
    with pytest.raises(PluginError) as caught:
        component.options_model()
    assert message in str(caught.value)


NEEDY = """
from netlab.specs import ComponentSpec, hookimpl

@hookimpl
def netlab_components():
    yield ComponentSpec("block", "needy", "A", "netlab_builtin.blocks.residual:ResidualBlock", "needy_options:Needy")
    yield ComponentSpec("augmentation", "needy", "B", "json:loads", "needy_options:Needy")
    yield ComponentSpec("metric", "needy", "C", "json:loads", "needy_options:Needy")
    yield ComponentSpec("attention", "needy", "D", "json:loads", "needy_options:Needy")
"""
NEEDY_OPTIONS = """
from pydantic import BaseModel, ConfigDict, Field

class Needy(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    group_size: int = Field(ge=1, description="How many at once.")
    skip: bool = True
"""


@pytest.mark.parametrize(
    ("words", "who", "flag"),
    [
        (["summary", "--block", "needy"], "block 'needy'", "--block.group-size"),
        (["run", "--block", "needy", "--print-config"], "block 'needy'", "--block.group-size"),
        (["run", "--config", "run.toml", "--print-config"], "block 'needy'", "--block.group-size"),
        (
            ["run", "--augment", "needy", "--print-config"],
            "augmentation 'needy'",
            "--augment.needy.group-size",
        ),
        (["metrics", "needy", "--data", "digits"], "metric 'needy'", "--needy.group-size"),
        (
            ["summary", "--block", "attentive", "--block.attention", "needy"],
            "attention 'needy'",
            "--block.attention.group-size",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_an_option_without_a_default_is_asked_for_by_its_flag(
    cli: Cli, attention: None, install: Install, words: list[str], who: str, flag: str
) -> None:
    install("needy", NEEDY, needy_options=NEEDY_OPTIONS)
    Path("run.toml").write_text('[block]\nname = "needy"\n')
    refused = cli(*words)
    assert refused.code == 2
    expected = f"netlab: error: {who} needs {flag} (How many at once): expected a whole number, >= 1\n"
    assert refused.err == expected
    helped = cli(*[word for word in words if word != "--print-config"], "--help")
    assert helped.code == 0
    text = " ".join(helped.out.replace("│", "").split())
    assert flag in text
    assert "How many at once. Range: >= 1. Required." in text
    # The flag that the line names is one that there is.
    assert "needs" not in cli(*words, flag, "2").err


def test_an_option_without_a_default_is_given_in_a_file(cli: Cli, attention: None, install: Install) -> None:
    install("needy", NEEDY, needy_options=NEEDY_OPTIONS)
    Path("run.toml").write_text('[block]\nname = "needy"\ngroup_size = 3\n')
    done = cli("run", "--config", "run.toml", "--print-config")
    assert done.code == 0
    assert tomllib.loads(done.out)["block"] == {"name": "needy", "group_size": 3, "skip": True}


PROBE = """
from netlab.kinds.chosen_part import ChosenPart
from netlab.kinds.metric import MetricResult
from netlab.specs import ComponentSpec, KindSpec, PartOf, hookimpl
from pydantic import BaseModel, Field
from typing import Annotated, Any, Protocol

class Weighing(Protocol):
    def __call__(self, *, options: Any) -> float: ...

class ConstantOptions(BaseModel):
    value: float = Field(0.25, description="The weight.")

class ProbeOptions(BaseModel):
    weighing: Annotated[ChosenPart, PartOf("weighing")] = Field(
        "constant", validate_default=True, description="What weighs."
    )

def constant(*, options):
    return options.value

def probe(space, *, options):
    return MetricResult(options.weighing())

def twist(count, generator, *, options):
    return lambda batch: batch

@hookimpl
def netlab_kinds():
    yield KindSpec("weighing", "weighings", "weighs", "HERE:Weighing")

@hookimpl
def netlab_components():
    yield ComponentSpec("weighing", "constant", "A number", "HERE:constant", "HERE:ConstantOptions")
    yield ComponentSpec("metric", "probe", "A number", "HERE:probe", "HERE:ProbeOptions",
                        direction="higher") if DIRECTED else ComponentSpec(
        "metric", "probe", "A number", "HERE:probe", "HERE:ProbeOptions")
    yield ComponentSpec("augmentation", "twist", "Nothing", "HERE:twist", "HERE:ProbeOptions")
"""


def test_metrics_and_augmentations_name_parts_by_flags_too(
    cli: Cli, install: Install, tmp_path: Path
) -> None:
    install("probe", PROBE.replace("DIRECTED", str("direction" in ComponentSpec.__dataclass_fields__)))
    np.save(tmp_path / "x.npy", np.eye(6))
    np.save(tmp_path / "y.npy", np.arange(6) % 2)
    words = ("metrics", "probe", "--features", "x.npy", "--labels", "y.npy", "--json")
    for flags, value in (
        ((), 0.25),
        (("--probe.weighing.value", 0.5), 0.5),
        (("--weighing", "constant"), 0.25),
    ):
        outcome = cli(*words, *flags)
        assert outcome.code == 0, outcome.err
        assert f'"value": {value}' in outcome.out
    wrong = cli(*words, "--probe.weighing", "constnt")
    assert wrong.code == 2
    assert "there is no weighing 'constnt'. Did you mean 'constant'" in wrong.err
    outcome = cli(
        "run", "--data.size", "24", "--print-config", "--augment", "flip", "--augment", "twist",
        "--augment.twist.weighing.value", "0.75",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert tomllib.loads(outcome.out)["augment"][1] == {
        "name": "twist", "weighing": {"name": "constant", "value": 0.75},
    }  # fmt: skip
