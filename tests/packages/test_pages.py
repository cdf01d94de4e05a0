"""The pages for authors of plugins say what is so."""

from __future__ import annotations

import re
import sys
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from netlab import specs
from netlab.engine.declaration import HOOK_NAMES
from netlab.engine.option_types import flag_type
from netlab.kinds import KINDS
from netlab.kinds.chosen_part import ChosenPart

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "plugins"
sys.path.append(str(ROOT / "docs"))


def test_contracts_examples_checks_and_hooks_are_those_of_the_code() -> None:
    import generate

    assert generate.stale_pages() == [], "python docs/generate.py writes them anew"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_page_that_the_index_names(kind: str) -> None:
    text = (PAGES / f"{kind}.md").read_text()
    for part in ("contract", "example", "checks"):
        assert f"<!-- generated: {part} {kind} -->" in text
    assert f"({kind}.md)" in (PAGES / "README.md").read_text()


@pytest.mark.parametrize("hook", sorted(HOOK_NAMES))
def test_every_hook_is_documented_and_implemented_by_somebody(hook: str) -> None:
    import generate

    summary, _, more = (getattr(specs, hook).__doc__ or "").partition("\n\n")
    assert summary.strip().endswith((".", "``."))
    assert "Called " in more, "it does not say when it is called"
    assert f"## `{hook}`" in (PAGES / "hooks.md").read_text()
    assert generate.implementations(hook), "no built-in plugin and no example implements it"


@pytest.mark.parametrize("page", ["commands.md", "own-kinds.md", "report-sections.md"])
def test_the_code_of_a_page_is_that_of_the_example(page: str) -> None:
    sources = [re.sub(r"\s+", " ", path.read_text()) for path in (ROOT / "examples").glob("*/src/**/*.py")]
    blocks = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        body = re.sub(r"\s+", " ", block.replace("from netlab.specs import hookimpl\n", "")).strip()
        assert any(body in source for source in sources), block


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_types_of_options_that_the_page_lists_are_those_that_a_flag_can_hold() -> None:
    names = vars(typing) | {"Path": Path, "ChosenPart": ChosenPart, "PartOf": specs.PartOf, "Field": Field}
    table = re.findall(r"^\| (`.*?`) \| [^|`]*\S.*\|$", (PAGES / "options.md").read_text(), re.MULTILINE)
    types = [code.replace("\\|", "|") for row in table for code in re.findall(r"`(.*?)`", row)]
    assert len(types) > 10
    for written in types:
        flag_type("option", eval(written, names))
    for refused in (dict[str, int], BaseModel, typing.Literal[1, 2], int | str):
        with pytest.raises(TypeError, match="which no flag can hold"):
            flag_type("option", refused)
