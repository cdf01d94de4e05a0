"""What is kept is believed only as long as everything that it was made from is as it was."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from netlab.engine import kept

KEY = {"words": ["--help"], "width": 80}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(kept.SWITCH, raising=False)
    return tmp_path / "cache" / "kept"


def keep(path: Path, value: object = "text", key: dict | None = None) -> None:
    """Kept as by a process that began long after the file was written."""
    trace = {str(path): kept.state(str(path))}
    kept.keep("answers", KEY if key is None else key, value, trace, time.time_ns() + 2 * kept.SETTLED)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.py"
    path.write_text("one")
    return path


def test_what_was_kept_is_given_back(cache: Path, source: Path) -> None:
    assert kept.kept("answers", KEY) is None
    keep(source, {"text": "ü\udcff", "code": 0})
    assert kept.kept("answers", KEY) == {"text": "ü\udcff", "code": 0}
    assert kept.kept("declarations", KEY) is None
    assert kept.kept("answers", {**KEY, "width": 81}) is None
    assert cache.stat().st_mode & 0o777 == 0o700


CHANGES: dict[str, Callable[[Path], object]] = {
    "longer": lambda path: path.write_text("one more"),
    "as long": lambda path: path.write_text("two"),
    "as long and as old": lambda path: rewritten_with_its_time(path),
    "gone": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


def rewritten_with_its_time(path: Path) -> None:
    before = path.stat()
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_is_noticed(cache: Path, source: Path, change: str) -> None:
    keep(source)
    assert kept.kept("answers", KEY) == "text"
    time.sleep(0.02)  # a tick of the clock
    CHANGES[change](source)
    assert kept.kept("answers", KEY) is None


def test_a_file_that_was_not_there_and_a_new_one_in_a_folder_are_noticed(cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    keep(folder, key={"of": "folder"})
    keep(folder / "netlab.toml", key={"of": "file"})
    assert kept.kept("answers", {"of": "folder"}) == kept.kept("answers", {"of": "file"}) == "text"
    time.sleep(0.02)
    (folder / "netlab.toml").write_text("")
    assert kept.kept("answers", {"of": "folder"}) is None
    assert kept.kept("answers", {"of": "file"}) is None


def test_compiled_modules_do_not_change_a_folder(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    keep(tmp_path / "site")
    (tmp_path / "site" / "__pycache__").mkdir()
    assert kept.kept("answers", KEY) == "text"


def test_a_file_that_changes_after_it_was_read_is_noticed(cache: Path, source: Path, tmp_path: Path) -> None:
    recording = kept.Recording()
    recording.since += 2 * kept.SETTLED
    source.read_text()
    list(tmp_path.iterdir())
    trace = {path: then for path, then in recording.stop().items() if path.startswith(str(tmp_path))}
    time.sleep(0.02)
    source.write_text("two")
    kept.keep("answers", KEY, "text", trace, recording.since)
    assert len(list(cache.iterdir())) == 1
    assert kept.kept("answers", KEY) is None


def test_a_file_that_changed_a_moment_ago_is_not_relied_on(cache: Path, source: Path) -> None:
    kept.keep("answers", KEY, "text", {str(source): kept.state(str(source))}, time.time_ns())
    assert kept.kept("answers", KEY) is None


DAMAGE: dict[str, Callable[[str], str]] = {
    "empty": lambda text: "",
    "cut": lambda text: text[: len(text) // 2],
    "one letter": lambda text: text.replace("text", "test"),
    "no checksum": lambda text: text.partition("\n")[2],
    "nonsense": lambda text: "\0" * 40,
    "another format": lambda text: signed(json.dumps(["a", "list"])),
    "no trace": lambda text: signed(json.dumps({"key": KEY, "value": "text"})),
    "a wrong trace": lambda text: signed(json.dumps({"key": KEY, "value": "text", "trace": 3})),
    "another's key": lambda text: signed(json.dumps({"key": {}, "value": "text", "trace": {}})),
}


def signed(content: str) -> str:
    return f"{kept.zlib.crc32(content.encode()):08x}\n{content}"


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_not_believed(cache: Path, source: Path, damage: str) -> None:
    keep(source)
    (path,) = cache.iterdir()
    path.write_text(DAMAGE[damage](path.read_text()))
    assert kept.kept("answers", KEY) is None
    keep(source)
    assert kept.kept("answers", KEY) == "text"


def test_a_folder_into_which_others_may_write_is_not_believed(cache: Path, source: Path) -> None:
    keep(source)
    cache.chmod(0o777)
    assert kept.kept("answers", KEY) is None
    keep(source, key={"another": "key"})
    assert len(list(cache.iterdir())) == 1


def test_a_folder_that_can_not_be_written_is_no_error(
    cache: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETLAB_CACHE", str(source / "no-folder"))
    keep(source)
    assert kept.kept("answers", KEY) is None


def test_nothing_is_kept_when_it_is_switched_off(
    cache: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(source)
    monkeypatch.setenv(kept.SWITCH, "0")
    assert kept.kept("answers", KEY) is None
    keep(source, key={"another": "key"})
    assert len(list(cache.iterdir())) == 1


def test_the_oldest_go(cache: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 3)
    for n in range(5):
        keep(source, key={"n": n})
        time.sleep(0.01)
    assert [n for n in range(5) if kept.kept("answers", {"n": n})] == [2, 3, 4]


def test_what_is_read_is_recorded(tmp_path: Path, source: Path) -> None:
    recording = kept.Recording()
    source.read_text()
    (tmp_path / "written").write_text("")
    with pytest.raises(FileNotFoundError):
        (tmp_path / "absent").read_text()
    list(tmp_path.iterdir())
    with kept.unrecorded():
        (tmp_path / "unseen").exists()
    kept.depend_on([str(tmp_path / "named")])
    read = recording.stop().keys()
    (tmp_path / "later").exists()
    here = {Path(path).name for path in read if path.startswith(str(tmp_path))}
    assert here == {"source.py", "absent", tmp_path.name, "named"}
    assert kept.__file__ in read
    assert kept.LIBRARY in read
    assert json.__file__ not in read


def test_a_compiled_module_stands_for_its_source() -> None:
    assert kept.source_of("/a/__pycache__/b.cpython-311.pyc") == "/a/b.py"
    assert kept.source_of("/a/b.pyc") == "/a/b.pyc"
    assert kept.source_of(json.__file__) == kept.LIBRARY
    assert kept.source_of(pytest.__file__) == pytest.__file__
