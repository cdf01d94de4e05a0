"""Plugins that do harm while they are imported: no list and no help text is touched by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netlab.testing.distributions import write_distribution
from tests.cli.conftest import sound

HARM = {
    "slow": ("import time\ntime.sleep(.3)\n", None),
    "prints": ("import os\nprint('a plugin was here')\nos.write(1, b'and here')\n", None),
    "leaves": ("import sys\nsys.exit(0)\n", "SystemExit: 0"),
    "ends": ("import os\nos._exit(0)\n", "it ended its process (exit code 0) while it was imported"),
    "hangs": ("while True: pass\n", "it was not imported within 4 s (NETLAB_PLUGIN_TIMEOUT sets the limit)"),
    "crashes": (
        "import ctypes\nctypes.string_at(0)\n",
        "it killed its process (SIGSEGV) while it was imported",
    ),
    "asks": ("from netlab.engine.manager import PluginManager\nPluginManager.from_environment()\n", None),
    "lingers": ("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n", None),
}

Call = "subprocess.CompletedProcess[str]"


def write(site: Path, name: str, code: str) -> Path:
    module = f"harm_{name}"
    (site / f"{module}.py").write_text(f'"""Does harm."""\n{code}' + sound(f"part-{name}"))
    return write_distribution(site, f"harm-{name}", "1.0", {"netlab.v1": {name: module}})


def netlab(site: Path, cache: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    more = {
        "PYTHONPATH": str(site),
        "NETLAB_CACHE": str(cache),
        "NETLAB_PLUGIN_TIMEOUT": "4",
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", "netlab", *words],
        env=os.environ | more, cwd=cache, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for name, (code, _) in HARM.items():
        write(folder, name, code)
    time.sleep(1.1)  # until the files have settled
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def first(site: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    return netlab(site, cache, "plugins", "list", "--json")


@pytest.mark.parametrize("name", HARM)
def test_the_list_is_whole_and_names_who_failed(first: subprocess.CompletedProcess[str], name: str) -> None:
    assert first.returncode == 0
    listed = json.loads(first.stdout)
    (plugin,) = [row for row in listed["plugins"] if row["name"] == name]
    problem = HARM[name][1]
    parts = {row["name"] for row in listed["components"]}
    assert "grouped" in parts
    assert (f"part-{name}" in parts) == (problem is None)
    assert plugin["state"] == ("ok" if problem is None else "failed")
    lines = [line for line in first.stderr.splitlines() if f"(harm-{name} 1.0)" in line]
    expected = f"netlab: plugin '{name}' (harm-{name} 1.0) failed at import: {problem}"
    assert lines == ([] if problem is None else [expected])
    assert "was here" not in first.stdout + first.stderr


@pytest.mark.parametrize(
    "words", [["--help"], ["plugins", "list", "--json"], ["summary", "--json", "--input", "3x24x24"]]
)
def test_a_second_call_waits_for_none_of_them(
    first: subprocess.CompletedProcess[str], site: Path, cache: Path, words: list[str]
) -> None:
    asked = {path: path.stat().st_mtime_ns for path in (cache / "kept").glob("declarations-*")}
    assert len(asked) == len(HARM)
    again = netlab(site, cache, *words)
    assert again.returncode == 0
    assert again.stderr == first.stderr
    if "--json" in words:
        json.loads(again.stdout)
    assert {path: path.stat().st_mtime_ns for path in (cache / "kept").glob("declarations-*")} == asked


def test_what_a_plugin_did_is_shown(site: Path, cache: Path, first: object) -> None:
    assert (
        "Fatal Python error: Segmentation fault" in netlab(site, cache, "plugins", "show", "crashes").stdout
    )
    hanging = netlab(site, cache, "plugins", "show", "hangs").stdout
    assert "harm_hangs.py" in hanging, "where it hangs"


def test_a_hook_that_prints_keeps_to_standard_error(tmp_path: Path) -> None:
    code = (
        "print('a plugin was here')\nfrom netlab.specs import hookimpl\n"
        "@hookimpl\ndef netlab_report_sections(runs):\n    return []\n"
    )
    write(tmp_path, "talks", code)
    listed = netlab(tmp_path, tmp_path, "plugins", "list", "--json")
    json.loads(listed.stdout)
    assert listed.stderr == ""


CHECKED = {
    "crashing": ("import ctypes; ctypes.string_at(0)", "it killed its process (SIGSEGV)"),
    "leaving": ("import os; os._exit(0)", "it ended its process (exit code 0)"),
}


def write_part(site: Path, name: str, code: str) -> None:
    """A distribution whose part is in a module of its own."""
    (site / f"harm_{name}_part.py").write_text(code)
    write(site, name, "")
    module = site / f"harm_{name}.py"
    module.write_text(module.read_text().replace("HERE:part", f"harm_{name}_part:part"))


def test_a_check_that_ends_its_process_is_what_failed(tmp_path: Path) -> None:
    for name, (harm, _) in CHECKED.items():
        part = f'def part(*arguments, **options):\n    """Does harm."""\n    {harm}\n'
        write_part(tmp_path, name, part)
    done = netlab(tmp_path, tmp_path, "plugins", "check", "--json")
    assert done.returncode == 3
    rows = json.loads(done.stdout)
    for name, (_, message) in CHECKED.items():
        ours = [row for row in rows if row["plugin"] == name]
        assert ours[0]["result"] == "ok", "its metadata is in order"
        (process,) = [row for row in ours if row["stage"] == "process"]
        assert process["result"] == "failed"
        assert process["detail"].startswith(message)
        assert f"after block part-{name}: " in process["detail"]


def test_a_check_that_does_not_return_is_stopped(tmp_path: Path) -> None:
    write_part(tmp_path, "waiting", "while True: pass\n")
    done = netlab(tmp_path, tmp_path, "plugins", "check", "--json", NETLAB_CHECK_TIMEOUT="6")
    assert done.returncode == 3
    last = json.loads(done.stdout)[-1]
    assert (last["plugin"], last["stage"], last["result"]) == ("waiting", "process", "failed")
    assert last["detail"].startswith("it did not return within 6 s (NETLAB_CHECK_TIMEOUT sets it)")


def test_a_plugin_that_hangs_at_import_is_checked_too(site: Path, cache: Path, first: object) -> None:
    done = netlab(site, cache, "plugins", "check", "hangs", NETLAB_CHECK_TIMEOUT="3")
    assert done.returncode == 3
    assert "it did not return within 3 s" in " ".join(done.stdout.split())


def test_metrics_are_described_though_their_modules_hang_or_have_broken_options(tmp_path: Path) -> None:
    (tmp_path / "hangs_when_used.py").write_text(
        'def metric(space, *, options):\n    """Counts points.\n\n    Source: nobody.\n    """\n\nwhile True: pass\n'
    )
    (tmp_path / "broken_options.py").write_text("raise SystemExit(3)\n")
    module = tmp_path / "harm_metrics.py"
    write(tmp_path, "metrics", "")
    code = sound("hanging", kind="metric", target="hangs_when_used:metric")
    more = '    yield ComponentSpec("metric", "badly", "B", "hangs_when_used:metric", "broken_options:Options")\n'
    module.write_text(code + more)
    listed = netlab(tmp_path, tmp_path, "metrics", "--list")
    assert listed.returncode == 0
    text = " ".join(listed.stdout.split())
    assert "hanging A part Counts points. Source: nobody." in text
    assert "the options of metric 'badly' of harm-metrics 1.0 can not be loaded: SystemExit: 3" in text
    rows = json.loads(netlab(tmp_path, tmp_path, "metrics", "--list", "--json").stdout)["metrics"]
    assert {"hanging", "badly", "si"} <= {row["name"] for row in rows}
