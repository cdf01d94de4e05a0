"""Settings of plugins' hooks: from which source they come, what is refused, what is recorded."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Install
from tests.conftest import Cli

NOTES = """
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from netlab.specs import hookimpl

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    every: int = Field(1, ge=1, description="Epochs.")
    tags: list[str] = Field([], description="Words.")
    token: SecretStr = Field(SecretStr(""), description="A secret.")

@hookimpl
def netlab_settings():
    return "HERE:Settings"

@hookimpl
def netlab_run_finished(run, settings):
    told = f"{settings.every} {settings.tags} {settings.token.get_secret_value()}"
    (run.directory / "told").write_text(told)
"""


@pytest.fixture
def told(cli: Cli, install: Install, tiny: tuple[str, ...]):  # type: ignore[no-untyped-def]
    """Train with a plugin that has settings; what its hook was told, and the table of the run."""
    install("notes", NOTES)

    def train(*words: str, name: str = "r") -> tuple[str, dict[str, object]]:
        done = cli("run", *tiny, "--epochs", "1", "--name", name, *words)
        assert (done.code, done.err) == (0, "")
        config = tomllib.loads(Path(f"runs/{name}/config.toml").read_text())
        return Path(f"runs/{name}/told").read_text(), config["plugins"]["notes"]

    return train


def test_the_closer_source_wins_setting_by_setting(told, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert told() == ("1 [] ", {"every": 1, "tags": []})
    (tmp_path / "netlab.toml").write_text('[plugins.notes]\nevery = 2\ntags = ["a"]\ntoken = "s3cret"\n')
    # Only where it learns does a run differ: the settings are others, and it goes on.
    assert told("--epochs", "2") == ("2 ['a'] s3cret", {"every": 2, "tags": ["a"]})
    assert "s3cret" not in "".join(path.read_text() for path in Path("runs/r").glob("*.[tj]*"))
    (tmp_path / "mine.toml").write_text("[plugins.notes]\nevery = 3\n")
    assert told("--config", "mine.toml", name="f")[0] == "3 ['a'] s3cret"
    more = ("--config", "mine.toml", "--set", "notes.every=4", "--set", 'notes.tags=["b"]')
    assert told(*more, name="g")[0] == "4 ['b'] s3cret"
    assert told("--config", "runs/g/config.toml", name="h")[0] == "4 ['b'] s3cret"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("notes.evry=1", "plugin 'notes' has no setting 'evry'. Did you mean 'every'?"),
        (
            "notes.every=0",
            "plugin 'notes', option 'every' (--set notes.every): expected a whole number, >= 1",
        ),
        ("nots.every=1", "--set: there is no plugin 'nots' to have settings. Did you mean 'notes'"),
        ("notes=1", "--set notes=1: expected NAME.OPTION=VALUE"),
        ("blocks.every=1", "--set: plugin 'blocks' has no settings"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(
    cli: Cli, install: Install, tiny: tuple[str, ...], word: str, said: str
) -> None:
    install("notes", NOTES)
    done = cli("--set", word, "run", *tiny, "--name", "r")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert said in done.err
    assert not Path("runs").exists()


def test_a_file_is_named_where_its_table_is_of_no_plugin(
    cli: Cli, install: Install, tiny: tuple[str, ...]
) -> None:
    install("notes", NOTES)
    Path("netlab.toml").write_text("[plugins.notess]\nevery = 2\n")
    assert cli("plugins", "list").code == 0
    done = cli("run", *tiny, "--name", "r")
    assert done.code == 2
    assert "netlab.toml: there is no plugin 'notess' to have settings. Did you mean 'notes'?" in done.err
    Path("netlab.toml").write_text("[plugins.notes]\nevery = 2\n")
    assert cli("--no-plugin", "notes", "run", *tiny, "--epochs", "1", "--name", "r").code == 0


def test_a_sweep_hands_settings_to_its_runs(cli: Cli, install: Install, tiny: tuple[str, ...]) -> None:
    install("notes", NOTES)
    Path("grid.toml").write_text("[plugins.notes]\nevery = 5\n")
    words = ("--data.size", "24", "--width", "4", "--epochs", "1", "--precision", "fp32")
    done = cli("sweep", *words, "--seeds", "1", "--grid", "grid.toml", "--set", "notes.token=x", "--yes")
    assert done.code == 0, done.err
    (run,) = [path for path in Path("runs").iterdir() if (path / "told").exists()]
    assert (run / "told").read_text() == "5 [] x"
    wrong = cli("sweep", *words, "--seeds", "1", "--set", "notes.evry=1", "--yes")
    assert (wrong.code, "has no setting 'evry'" in wrong.err) == (2, True)


def test_settings_that_can_not_be_loaded_are_the_failure_of_their_plugin(
    cli: Cli, install: Install, tiny: tuple[str, ...]
) -> None:
    install("notes", NOTES.replace("HERE:Settings", "HERE:Setings"))
    done = cli("run", *tiny, "--epochs", "1", "--name", "r")
    assert done.code == 3
    assert "plugin 'notes' (notes 1.0) failed at event: its settings can not be loaded" in done.err
    assert Path("runs/r/result.json").exists()


def test_they_are_shown_with_their_plugin(cli: Cli, install: Install) -> None:
    install("notes", NOTES)
    (shown,) = json.loads(cli("plugins", "show", "notes", "--json").out)["plugins"]
    assert [row["flag"] for row in shown["settings"]] == [
        f"--set notes.{name}=" for name in ("every", "tags", "token")
    ]
    assert "--set notes.every=" in cli("plugins", "show", "notes").out
