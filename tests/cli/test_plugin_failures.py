"""Broken distributions, installed as an installer leaves them: each is named, none takes netlab down."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Install, sound, state_of
from tests.conftest import Cli

BROKEN = {
    "raises-at-import": ("raise RuntimeError('boom')", "failed at import: RuntimeError: boom"),
    "leaves-at-import": ("raise SystemExit(4)", "failed at import: SystemExit: 4"),
    "imports-what-is-not-there": ("import no_such_module", "No module named 'no_such_module'"),
    "misspells-a-hook": (
        sound("x").replace("def netlab_components", "def netlab_componets"),
        "there is no hook 'netlab_componets'. Did you mean 'netlab_components'",
    ),
    "misspells-unmarked": ("def netlab_componets():\n    return []\n", "Did you mean 'netlab_components'"),
    "forgets-the-decorator": (sound("x").replace("@hookimpl", ""), "lacks the decorator @hookimpl"),
    "adds-an-argument": (
        sound("x").replace("def netlab_components()", "def netlab_components(extra)"),
        "Argument(s) {'extra'}",
    ),
    "has-no-hook": ("value = 1\n", "implements no hook"),
    "gives-rubbish": (
        "from netlab.specs import hookimpl\n@hookimpl\ndef netlab_components():\n    return [42]\n",
        "netlab_components gave 42, not a ComponentSpec",
    ),
    "gives-a-number": (
        "from netlab.specs import hookimpl\n@hookimpl\ndef netlab_components():\n    return 42\n",
        "'int' object is not iterable",
    ),
    "leaves-in-a-hook": (
        "from netlab.specs import hookimpl\n@hookimpl\ndef netlab_components():\n    raise SystemExit\n",
        "failed at register: SystemExit",
    ),
    "names-an-unknown-kind": (sound("x", kind="blok"), "unknown kind 'blok'. Did you mean 'block'?"),
    "names-a-part-badly": (sound("Squeeze Excite"), "may hold only a-z"),
    "points-nowhere": (sound("x", target="no-colon"), "not of the form 'package.module:attribute'"),
    "declares-twice": (
        sound("x") + '    yield ComponentSpec("block", "x", "Again", "a:b")\n',
        "declares block 'x' twice",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_named_and_everything_else_works(cli: Cli, install: Install, name: str) -> None:
    code, message = BROKEN[name]
    install(name, code)
    outcome = cli("summary", "--input", "3x24x24")
    assert outcome.code == 0
    assert "resblock1" in outcome.out
    (line,) = outcome.err.strip().splitlines()
    assert line.startswith(f"netlab: plugin '{name}' ({name} 1.0) failed at ")
    assert message in line
    row = state_of(cli, name)
    assert row["state"] in ("failed", "in part")
    assert len(row["failures"]) == 1
    shown = cli("plugins", "show", name)
    assert shown.code == 0
    assert message in " ".join(shown.out.split())


def test_a_component_that_is_declared_badly_costs_no_other(cli: Cli, install: Install) -> None:
    bad = '    yield 42\n    yield ComponentSpec("blok", "lost", "Of no kind", "a:b")\n'
    install("half", sound("half-done", target="netlab_builtin.blocks.residual:ResidualBlock",
                          options="netlab_builtin.blocks.options:ResidualOptions") + bad)  # fmt: skip
    outcome = cli("summary", "--block", "half-done")
    assert outcome.code == 0
    first, second = outcome.err.strip().splitlines()
    assert "netlab_components gave 42" in first
    assert "'lost' is of unknown kind 'blok'. Did you mean 'block'?" in second
    assert state_of(cli, "half")["state"] == "in part"
    missing = cli("summary", "--block", "lost")
    assert missing.code == 2
    assert "may come from a plugin that failed: 'half'" in missing.err


def test_a_plugin_whose_hook_raises_offers_nothing(cli: Cli, install: Install) -> None:
    install("broken-off", sound("half-done") + "    raise RuntimeError('boom')\n")
    outcome = cli("summary", "--block", "half-done")
    assert outcome.code == 2
    assert "may come from a plugin that failed: 'broken-off'" in outcome.err


def test_a_plugin_of_a_newer_api_is_reported_without_being_imported(cli: Cli, install: Install) -> None:
    install("from-the-future", "raise RuntimeError('imported')", group="netlab.v2")
    row = state_of(cli, "from-the-future")
    assert row["state"] == "needs newer netlab"
    assert "upgrade netlab" in row["failures"][0]
    assert "imported" not in row["failures"][0]
    listed = cli("plugins", "list")
    assert "plugin 'from-the-future' (from-the-future 1.0): needs newer netlab" in listed.out


def test_a_clash_with_a_builtin_is_an_error_on_use_and_a_distribution_chooses(
    cli: Cli, install: Install
) -> None:
    install("copycat", sound("grouped", target="netlab_builtin.blocks.residual:ResidualBlock",
                             options="netlab_builtin.blocks.options:ResidualOptions"))  # fmt: skip
    outcome = cli("summary", "--block", "grouped")
    assert outcome.code == 2
    assert "'grouped@copycat' or 'grouped@netlab-vision'" in outcome.err
    theirs = cli("summary", "--block", "grouped@copycat", "--json")
    ours = cli("summary", "--block", "grouped@netlab-vision", "--json")
    assert json.loads(theirs.out)["parameters"] < json.loads(ours.out)["parameters"]
    rows = json.loads(cli("plugins", "list", "grouped", "--json").out)["components"]
    assert [row["state"] for row in rows] == ["clash", "clash"]
    assert "also from" in cli("plugins", "show", "grouped").out


def test_a_slow_plugin_is_named_and_can_be_left_out(cli: Cli, install: Install) -> None:
    install("slow", "import time\ntime.sleep(5)\n" + sound("slow-block"))
    began = time.perf_counter()
    outcome = cli("--no-plugin", "slow", "plugins", "list")
    assert time.perf_counter() - began < 4
    assert "slow-block" not in outcome.out
    outcome = cli("plugins", "list")
    assert "slow-block" in outcome.out
    assert "plugin 'slow' (slow 1.0) took 5.0 s to import: --no-plugin slow skips it" in outcome.err


def test_an_option_of_a_type_that_no_flag_can_hold_is_the_plugins_failure(cli: Cli, install: Install) -> None:
    options = "from pydantic import BaseModel\nclass Options(BaseModel):\n    table: dict[str, int] = {}\n"
    install("odd", sound("odd", target="netlab_builtin.blocks.residual:ResidualBlock", options="odd_options:Options"),
            odd_options=options)  # fmt: skip
    assert cli("summary", "--input", "3x24x24").code == 0
    outcome = cli("summary", "--block", "odd")
    assert outcome.code == 3
    assert "option 'table' has type dict, which no flag can hold" in outcome.err
    checked = cli("plugins", "check", "odd", "--json")
    assert checked.code == 3
    failed = {row["stage"] for row in json.loads(checked.out) if row["result"] == "failed"}
    assert "options" in failed


def test_a_component_that_fails_in_use_exits_3_and_names_its_distribution(cli: Cli, install: Install) -> None:
    install("bomb", sound("bomb") + "\n\ndef part(*arguments, **keywords):\n    raise KeyError('inner')\n")
    outcome = cli("summary", "--block", "bomb")
    assert outcome.code == 3
    assert "block 'bomb' of bomb 1.0 failed: KeyError: 'inner'" in outcome.err
    assert "Traceback" not in outcome.err
    assert "Traceback" in cli("--debug", "summary", "--block", "bomb").err


@pytest.mark.parametrize("how", ["flag", "distribution", "environment", "project", "user"])
def test_a_blocked_plugin_is_not_imported(
    cli: Cli, install: Install, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("loud", "raise RuntimeError('imported')")
    words = ["plugins", "list", "--json"]
    if how == "flag":
        words[:0] = ["--no-plugin", "loud"]
    elif how == "distribution":
        words[:0] = ["--no-plugin", "LOUD"]
    elif how == "environment":
        monkeypatch.setenv("NETLAB_DISABLE_PLUGINS", "other, loud")
    elif how == "project":
        (tmp_path / "netlab.toml").write_text('[plugins]\ndisable = ["loud"]\n')
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
    else:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        (tmp_path / "config" / "netlab").mkdir(parents=True)
        (tmp_path / "config" / "netlab" / "config.toml").write_text('[plugins]\ndisable = ["loud"]\n')
    outcome = cli(*words)
    assert outcome.code == 0
    assert "imported" not in outcome.err
    states = {row["name"]: row["state"] for row in json.loads(outcome.out)["plugins"]}
    assert states["loud"] == "blocked"
    assert states["blocks"] == "ok"


def test_a_builtin_can_be_blocked_and_the_default_is_missed_clearly(cli: Cli) -> None:
    outcome = cli("--no-plugin", "norms", "summary")
    assert outcome.code == 2
    assert "no norm was named and netlab's default is not there (blocked?): use --norm NAME" in outcome.err


def test_without_autoload_only_the_builtins_are_loaded(
    cli: Cli, install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install("guest", sound("guest"))
    monkeypatch.setenv("NETLAB_PLUGIN_AUTOLOAD", "0")
    assert state_of(cli, "guest")["state"] == "blocked"
    assert state_of(cli, "blocks")["state"] == "ok"
    monkeypatch.delenv("NETLAB_PLUGIN_AUTOLOAD")
    (tmp_path / "netlab.toml").write_text("[plugins]\nautoload = false\n")
    assert state_of(cli, "guest")["state"] == "blocked"
    monkeypatch.setenv("NETLAB_PLUGIN_AUTOLOAD", "1")
    assert state_of(cli, "guest")["state"] == "ok"


@pytest.mark.parametrize("how", ["environment", "project"])
def test_strict_mode_makes_a_failure_fatal(
    cli: Cli, install: Install, how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install("bad", "raise RuntimeError('boom')")
    if how == "environment":
        monkeypatch.setenv("NETLAB_STRICT_PLUGINS", "1")
    else:
        (tmp_path / "netlab.toml").write_text("[plugins]\nstrict = true\n")
    outcome = cli("plugins", "list")
    assert outcome.code == 3
    assert "plugin 'bad' (bad 1.0) failed at import: RuntimeError: boom" in outcome.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[plugins]\ndisabled = []\n", "[plugins] has no key 'disabled'. Did you mean 'disable'?"),
        ('[plugins]\ndisable = "loud"\n', "disable must be a list of names"),
        ('[plugins]\nstrict = "yes"\n', "strict must be true or false, not 'yes'"),
        ("[plugin]\n", "unknown table 'plugin'. Did you mean 'plugins'?"),
        ("[plugins", "netlab.toml is not valid TOML"),
    ],
)
def test_a_wrong_settings_file_is_one_clear_error(cli: Cli, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "netlab.toml").write_text(text)
    outcome = cli("plugins", "list")
    assert outcome.code == 2
    assert message in outcome.err


COMMANDS = """
from netlab.specs import hookimpl

@hookimpl
def netlab_commands():
    yield ("{name}", "Say a word", "HERE:{function}")

def greet(word: str = "hello", times: int = 1) -> None:
    "Say a word, more than once."
    print(" ".join([word] * times))

def fail() -> None:
    raise KeyError("inner")
"""


def test_a_plugin_adds_a_command_with_flags_of_its_own(cli: Cli, install: Install) -> None:
    install("greeter", COMMANDS.format(name="greet", function="greet"))
    listed = cli("--help").out
    assert "(plugin)" in listed
    assert listed.index("Train many assemblies") < listed.index("Say a word"), "netlab's own come first"
    assert cli("greet", "--times", "2").out.strip() == "hello hello"
    assert cli("greet", "--times", "x").code == 2
    assert "command\n  greet  Say a word (greeter 1.0)" in cli("plugins", "list", "--kind", "command").out


def test_a_command_that_fails_exits_3_and_names_its_plugin(cli: Cli, install: Install) -> None:
    install("failing", COMMANDS.format(name="failing", function="fail"))
    outcome = cli("failing")
    assert outcome.code == 3
    assert "command 'failing' of failing 1.0 failed: KeyError: 'inner'" in outcome.err


def test_a_command_with_a_name_of_netlab_is_a_failure_of_its_plugin(cli: Cli, install: Install) -> None:
    more = '    yield ("greet", "Say a word", "HERE:greet")\n'
    install(
        "usurper", COMMANDS.replace("\ndef greet", more + "\ndef greet").format(name="run", function="greet")
    )
    outcome = cli("--help")
    assert outcome.code == 0
    assert "the command 'run' is netlab's own" in outcome.err
    assert cli("greet").out.strip() == "hello"


def test_a_command_that_two_plugins_add_is_an_error_on_use(cli: Cli, install: Install) -> None:
    install("first", COMMANDS.format(name="greet", function="greet"))
    install("second", COMMANDS.format(name="greet", function="greet"))
    outcome = cli("greet")
    assert outcome.code == 2
    assert "several plugins offer the command 'greet': 'first' and 'second'" in outcome.err
    assert cli("--no-plugin", "first", "greet").out.strip() == "hello"


EVENTS = """
from netlab.specs import hookimpl

@hookimpl
def netlab_run_started(run):
    raise SystemExit("not now")

@hookimpl
def netlab_epoch_finished(epoch):
    raise ValueError(f"epoch {epoch}")
"""


def test_a_tracker_that_fails_stops_no_run(cli: Cli, install: Install, tiny: tuple[str, ...]) -> None:
    install("tracker", EVENTS)
    outcome = cli("run", *tiny, "--epochs", "1", "--name", "r")
    assert outcome.code == 3
    assert Path("runs/r/result.json").exists()
    assert "accuracy" in outcome.out
    assert "plugin 'tracker' (tracker 1.0) failed at event: SystemExit: not now" in outcome.err
    assert "ValueError: epoch 1" in outcome.err


def test_a_distribution_with_damaged_metadata_is_named_and_can_be_blocked(
    cli: Cli, install: Install, tmp_path: Path
) -> None:
    install("sound", sound("sound-block"))
    folder = install("damaged", sound("damaged-block"))
    (folder / "entry_points.txt").write_bytes(b"\xff\xfe[netlab.v1]")
    listed = cli("plugins", "list")
    assert listed.code == 0
    assert "sound-block" in listed.out
    assert "netlab: plugin 'damaged' (damaged 1.0) failed at metadata: UnicodeDecodeError" in listed.err
    assert state_of(cli, "damaged")["state"] == "failed"
    assert cli("--no-plugin", "damaged", "plugins", "list").err == ""


def test_a_list_says_who_ships_a_part_and_how_to_choose_among_those_that_clash(
    cli: Cli, install: Install
) -> None:
    install("another", sound("grouped"))
    listed = " ".join(cli("plugins", "list", "grouped").out.split())
    assert "(another 1.0) clash: write grouped@another" in listed
    assert "clash: write grouped@netlab-vision" in listed
    assert "Built in (netlab-vision" in listed


def test_blocking_what_is_not_there_is_said(cli: Cli) -> None:
    outcome = cli("--no-plugin", "metric", "plugins", "list", "grouped")
    assert outcome.code == 0
    assert "--no-plugin metric: there is no such plugin. Did you mean 'metrics'?" in outcome.err


def test_the_traceback_of_a_plugin_begins_in_the_plugin(cli: Cli, install: Install) -> None:
    install("broken", "def inner():\n    raise RuntimeError('boom')\ninner()\n")
    shown = cli("plugins", "show", "broken").out
    assert "RuntimeError: boom" in shown
    assert shown.count("File ") == 2
    assert "importlib" not in shown


def test_a_part_that_can_not_be_loaded_is_checked_no_further(cli: Cli, install: Install) -> None:
    install("absent", sound("absent", target="no_such_module:part"))
    rows = json.loads(cli("plugins", "check", "absent", "--json").out)
    (part,) = [row for row in rows if row["stage"] == "conformance"]
    assert (part["result"], part["detail"]) == ("skipped", "first it has to be loaded")


def test_checks_that_fail_alike_are_one_line(cli: Cli, install: Install) -> None:
    install("wrong", sound("wrong", target="json:loads"))
    outcome = cli("plugins", "check", "wrong")
    assert outcome.code == 3
    shown = " ".join(outcome.out.split())
    assert "channels-last, device, seeds" in shown  # in one row, of one failure
    assert "resolve, options, conformance" in shown


def test_options_are_shown_as_the_flags_that_a_user_types(cli: Cli) -> None:
    assert "--block.paths" in cli("plugins", "show", "grouped").out
    assert "--high-order-si.order" in cli("plugins", "show", "high-order-si").out


def test_a_command_is_checked_too(cli: Cli, install: Install) -> None:
    install("greeter", COMMANDS.format(name="greet", function="greet"))
    install("dumb", COMMANDS.format(name="mumble", function="nowhere"))
    install("thief", COMMANDS.format(name="run", function="greet"))
    assert cli("plugins", "check", "greeter").code == 0
    unresolved = cli("plugins", "check", "dumb")
    assert unresolved.code == 3
    assert "no attribute 'nowhere'" in " ".join(unresolved.out.split())
    assert "'run' is netlab's own" in " ".join(cli("plugins", "check", "thief").out.split())
