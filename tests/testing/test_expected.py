"""Failures that are known: printed as expected, and failures where they do not come."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netlab.errors import UsageError
from netlab.testing.expected import read_expected, with_expected
from netlab.testing.plugin_check import CheckResult
from tests.conftest import Cli

RESULTS = [
    CheckResult("p", "", "metadata", "ok"),
    CheckResult("p", "hooks", "conformance: events", "ok"),
    CheckResult("p", "block mine", "options", "failed", "no"),
    CheckResult("p", "block mine", "conformance: stride", "failed", "wrong"),
    CheckResult("p", "block other", "conformance: stride", "ok"),
    CheckResult("p", "block other", "conformance: pixels", "skipped", "can say nothing"),
]

PROJECT = """
[project]
name = "netlab-plugin-silent"
version = "1.0"

[project.entry-points."netlab.v1"]
silent = "netlab_silent"
"""
SETTINGS = """
from pydantic import BaseModel, ConfigDict

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    undescribed: int = 1
"""
SILENT = """
from netlab.specs import hookimpl

@hookimpl
def netlab_settings():
    return "netlab_silent_settings:Settings"

@hookimpl
def netlab_run_finished(run):
    pass
"""


def states(**expected: str) -> list[str]:
    named = {name.replace("_", "-"): reason for name, reason in expected.items()}
    return [result.result for result in with_expected(RESULTS, named)]


def test_only_the_check_that_is_named_is_expected_to_fail() -> None:
    found = with_expected(RESULTS, {"block-mine-stride": "known"})
    assert [row.result for row in found] == ["ok", "ok", "failed", "expected", "ok", "skipped"]
    assert found[3].detail == "known"
    assert with_expected(RESULTS, {}) == RESULTS


def test_one_that_passes_is_a_failure_and_one_that_says_nothing_is_none() -> None:
    assert states(stride="known") == ["ok", "ok", "failed", "expected", "failed", "skipped"]
    assert states(pixels="known") == [row.result for row in RESULTS]
    assert states(hooks_p_events="known")[1] == "failed"


@pytest.mark.parametrize(("word", "said"), [("strid", "Did you mean 'stride'"), ("options", "no check")])
def test_a_name_of_no_check_is_refused(word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        with_expected(RESULTS, {word: "known"})


@pytest.mark.parametrize("word", ["stride", "stride=", "=why"])
def test_a_reason_must_be_given(word: str) -> None:
    with pytest.raises(UsageError, match="expected CHECK=REASON"):
        read_expected([word])


def test_a_package_says_what_is_known_to_fail(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "netlab_silent.py").write_text(SILENT)
    (tmp_path / "netlab_silent_settings.py").write_text(SETTINGS)
    assert cli("plugins", "check", ".").code == 3
    assert cli("plugins", "check", ".", "--expect", "settings=later").code == 0
    known = '\n[tool.netlab.expected_failures]\nsettings = "described later"\n'
    (tmp_path / "pyproject.toml").write_text(PROJECT + known)
    done = cli("plugins", "check", ".", "--json")
    (row,) = [row for row in json.loads(done.out) if row["result"] == "expected"]
    assert (done.code, row["detail"]) == (0, "described later")
    (tmp_path / "netlab_silent.py").write_text(SILENT.replace("int = 1", "int = Field(1, description='x')"))
    (tmp_path / "pyproject.toml").write_text(
        PROJECT + known.replace("described later", "3").replace('"3"', "3")
    )
    wrong = cli("plugins", "check", ".")
    assert (wrong.code, "must be a table from checks to reasons" in wrong.err) == (2, True)
