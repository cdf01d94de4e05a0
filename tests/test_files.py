"""Files are whole or not there."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from netlab import files
from netlab.errors import UsageError
from netlab.files import (
    make_folder,
    refuse_link,
    remove_leftovers,
    this_machine,
    write_atomically,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    write_text(target, "old")

    def fail(file: IO[bytes]) -> None:
        file.write(b"half of the new")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_atomically(target, fail)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_leftovers_of_a_killed_process_are_removed_and_nothing_else(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = f".last.safetensors.{this_machine()}-{ended.pid}-abc.tmp"
    others = [f".last.safetensors.{this_machine()}-{os.getppid()}-abc.tmp", "notes.tmp", ".mine.tmp"]
    for name in (left, *others):
        (tmp_path / name).write_bytes(b"half")
    old = tmp_path / f".old.{'0' * 8}-1-abc.tmp"  # of another machine
    old.write_bytes(b"half")
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*others, old.name}
    os.utime(old, (0, 0))
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(others)


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        write_text(tmp_path / "nowhere" / "x.csv", "")
    assert missing.value.filename == str(tmp_path / "nowhere" / "x.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as folder:
        write_text(tmp_path / "folder", "")
    assert folder.value.filename == str(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_that_can_not_be_flushed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output error"):
        write_text(tmp_path / "x", "")
    with pytest.raises(OSError, match="Input/output error"):
        make_folder(tmp_path / "a" / "b")


def test_folders_are_flushed_from_the_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr(files, "sync_folder", flushed.append)
    make_folder(tmp_path / "runs" / "first" / "plots")
    assert flushed == [tmp_path, tmp_path / "runs", tmp_path / "runs" / "first"]


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "plots").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="plots is a link to elsewhere"):
        refuse_link(tmp_path / "plots")


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    write_text(tmp_path / "netlab.txt", "")
    (tmp_path / "plain.txt").write_text("")
    assert (tmp_path / "netlab.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


@pytest.mark.parametrize("reason", [errno.EPERM, errno.ENOTSUP, errno.ENOSPC])
def test_where_there_are_no_links_the_content_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    files.link_atomically(one, two)  # there is nothing yet
    write_text(one, "first")

    def link(source: Path, target: Path) -> None:
        raise OSError(reason, os.strerror(reason), str(source), None, str(target))

    monkeypatch.setattr(os, "link", link)
    if reason == errno.ENOSPC:
        with pytest.raises(OSError, match="No space left") as full:
            files.link_atomically(one, two)
        assert full.value.filename == str(two)
        assert not two.exists()
        return
    files.link_atomically(one, two)
    write_text(one, "second")
    assert two.read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
