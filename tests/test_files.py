"""Files are whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pytest

from netlab.files import remove_leftovers, write_atomically, write_text


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
    (tmp_path / ".last.safetensors.abc.tmp").write_bytes(b"half")
    (tmp_path / "notes.tmp").write_text("the user's")
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.tmp"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    write_text(tmp_path / "netlab.txt", "")
    (tmp_path / "plain.txt").write_text("")
    assert (tmp_path / "netlab.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode
