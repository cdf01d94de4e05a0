"""Every file of a run is what netlab wrote, or an error: whenever a process was killed."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from netlab.errors import NetlabError, UsageError
from netlab.runs import manifest
from netlab.runs.manifest import (
    announced,
    begin_manifest,
    check_file,
    forget,
    list_files,
    read_checked,
    read_manifest,
    sha256,
    write_checked,
)


class KilledError(BaseException):
    """What a kill looks like from inside."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    begin_manifest(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    write_checked(tmp_path, {"config.toml": "a = 1\n", "checkpoints/last.safetensors": b"weights"})
    return tmp_path


def test_what_was_written_is_read_and_what_was_changed_is_refused(run: Path) -> None:
    assert read_checked(run / "config.toml") == b"a = 1\n"
    check_file(run / "checkpoints/last.safetensors")
    (run / "config.toml").write_text("a = 2\n")
    (run / "checkpoints/last.safetensors").write_bytes(b"weightz")
    with pytest.raises(NetlabError, match=r"config.toml is damaged: it is not what netlab wrote"):
        read_checked(run / "config.toml")
    with pytest.raises(NetlabError, match=r"last.safetensors is damaged: it is not what netlab wrote"):
        check_file(run / "checkpoints/last.safetensors")


def test_files_that_are_not_listed_and_folders_without_a_manifest_are_read_as_they_are(run: Path) -> None:
    (run / "notes.toml").write_text("mine")
    assert read_checked(run / "notes.toml") == b"mine"
    (run / "config.toml").write_text("a = 2\n")
    (run / "manifest.json").unlink()
    assert read_checked(run / "config.toml") == b"a = 2\n"


def test_killed_while_files_are_replaced_each_is_the_old_or_the_new(run: Path) -> None:
    new = {"config.toml": b"a = 2\n", "history.csv": b"epoch\n"}
    with contextlib.suppress(KilledError), announced(run, {name: sha256(text) for name, text in new.items()}):
        assert read_checked(run / "config.toml") == b"a = 1\n"
        (run / "config.toml").write_bytes(new["config.toml"])
        assert read_checked(run / "config.toml") == b"a = 2\n"
        raise KilledError
    (run / "config.toml").write_text("a = 3\n")
    with pytest.raises(NetlabError, match="damaged"):
        read_checked(run / "config.toml")
    # Whoever goes on knows again what is there.
    (run / "config.toml").write_text("a = 1\n")
    begin_manifest(run)
    listed = read_manifest(run)
    assert listed is not None
    assert listed["config.toml"] == [sha256(b"a = 1\n")]
    assert listed["history.csv"] == [""]


def test_an_outcome_is_listed_until_it_is_to_be_made_again(run: Path) -> None:
    (run / "plots").mkdir()
    (run / "plots" / "curves.png").write_bytes(b"png")
    (run / "plots" / ".hidden.tmp").write_bytes(b"half")
    list_files(run, "plots/*")
    assert "plots/curves.png" in (read_manifest(run) or {})
    assert not any("hidden" in name for name in read_manifest(run) or {})
    forget(run, "plots/cur*")
    assert "plots/curves.png" not in (read_manifest(run) or {})
    list_files(run, "plots/*")
    begin_manifest(run)
    assert "plots/curves.png" not in (read_manifest(run) or {})


@pytest.mark.parametrize("damage", ["{", "[]", '{"format": "netlab-manifest-1"}', "[" * 100_000, "\xff"])
def test_a_damaged_manifest_is_one_line(run: Path, damage: str) -> None:
    (run / "manifest.json").write_text(damage, encoding="latin-1")
    with pytest.raises(NetlabError, match="manifest.json is damaged") as refused:
        read_checked(run / "config.toml")
    assert len(str(refused.value).splitlines()) == 1


def test_a_changed_digest_of_the_manifest_is_noticed(run: Path) -> None:
    content = json.loads((run / "manifest.json").read_text())
    content["files"]["config.toml"] = [sha256(b"a = 2\n")]
    (run / "manifest.json").write_text(json.dumps(content))
    (run / "config.toml").write_text("a = 2\n")
    with pytest.raises(NetlabError, match="manifest.json is damaged"):
        read_checked(run / "config.toml")


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = manifest.is_listed

    def is_listed(path: Path, digest: str) -> bool:
        monkeypatch.setattr(manifest, "is_listed", real)
        write_checked(run, {"config.toml": "a = 2\n"})
        return real(path, digest)

    monkeypatch.setattr(manifest, "is_listed", is_listed)
    assert read_checked(run / "config.toml") == b"a = 2\n"


def test_a_lock_that_is_a_link_is_refused(run: Path, tmp_path: Path) -> None:
    (run / ".manifest.lock").unlink()
    (run / ".manifest.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link to elsewhere"):
        write_checked(run, {"config.toml": "a = 2\n"})
