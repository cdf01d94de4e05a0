"""What once broke from outside, each thing by itself."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import netlab
from netlab.classification.interface import read_interface
from netlab.detection.output.formats import CsvWriter
from netlab.detection.proposals.cache import cached_proposals
from netlab.engine.catalog import Catalog
from netlab.errors import NetlabError
from netlab.files import write_json
from netlab.kinds.proposer import Proposals
from netlab.report.build import ReportRequest
from netlab.report.serve import make_server
from netlab.runs.choose import choose_runs
from netlab.runs.directory import RunDirectory
from netlab.separability import arrays
from tests.conftest import Cli

INTERFACE = {
    "channels": 1, "height": 8, "width": 8, "normalization": {"mean": [0.5], "std": [0.5]}, "class_names": ["a", "b"],
    "shorter": 0, "resampling": "bilinear", "views": {"mirror": False, "shift": 0},
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("height", 0), ("width", -3), ("channels", 0), ("shorter", -1), ("class_names", []),
        ("normalization", {"mean": [0.5], "std": [0.0]}), ("normalization", {"mean": [0.5], "std": [-1.0]}),
        ("normalization", {"mean": [0.5, 0.5], "std": [0.5, 0.5]}), ("normalization", {"mean": ["nan"], "std": [1]}),
        ("normalization", {"mean": ["inf"], "std": [1]}), ("resampling", "magic"),
        ("views", {"mirror": False, "shift": -1}), ("views", {"mirror": True, "shift": 8}), ("views", 1),
    ],
)  # fmt: skip
def test_an_interface_that_no_network_has_is_refused(key: str, value: object, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_json(run.interface, INTERFACE)
    assert read_interface(run).height == 8
    write_json(run.interface, {**INTERFACE, key: value})
    with pytest.raises(NetlabError, match=r"interface.json is damaged"):
        read_interface(run)


def test_a_truncated_measurement_is_an_error_and_loses_nothing(cli: Cli, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(20, 3)))
    np.save(tmp_path / "y.npy", np.arange(20) % 2)
    words = ("metrics", "--features", "x.npy", "--labels", "y.npy", "--out", "out", "--no-plots")
    assert cli(*words[:1], "si", *words[1:]).code == 0
    path = tmp_path / "out" / "separability.json"
    whole = path.read_text()
    for damage in (whole[: len(whole) // 2], "{}", '{"layers": [{}]}', '{"layers": [{"metrics": 1}]}'):
        path.write_text(damage)
        outcome = cli(*words[:1], "csi", *words[1:])
        assert (outcome.code, len(outcome.err.splitlines())) == (1, 1), outcome.err
        assert "separability.json is damaged" in outcome.err
        assert path.read_text() == damage
    path.write_text(whole)
    assert cli(*words[:1], "csi", *words[1:]).code == 0
    (layer,) = json.loads(path.read_text())["layers"]
    assert set(layer["metrics"]) == {"si", "csi"}


def test_a_cache_packed_by_a_method_that_is_not_known_is_made_anew(tmp_path: Path) -> None:
    def compute() -> Proposals:
        return Proposals(np.array([[0, 0, 4, 4]], np.float32), np.array([0.5], np.float32))

    image = np.zeros((8, 8, 3), np.uint8)
    first = cached_proposals(tmp_path, image, {}, compute)
    (path,) = tmp_path.rglob("*.npz")
    content = bytearray(path.read_bytes())
    for header, at in (
        (b"PK\x03\x04", 8),
        (b"PK\x01\x02", 10),
    ):  # the method in local headers and the directory
        place = content.find(header)
        while place >= 0:
            content[place + at : place + at + 2] = (99).to_bytes(2, "little")
            place = content.find(header, place + 4)
    path.write_bytes(content)
    with zipfile.ZipFile(path) as packed:
        assert {entry.compress_type for entry in packed.infolist()} == {99}
    with pytest.warns(UserWarning, match=path.name):
        again = cached_proposals(tmp_path, image, {}, compute)
    assert np.array_equal(again.boxes, first.boxes)
    assert np.array_equal(cached_proposals(tmp_path, image, {}, pytest.fail).boxes, first.boxes)


@pytest.fixture
def port(tmp_path: Path, catalog: Catalog) -> Iterator[int]:
    request = ReportRequest(
        choose=lambda: choose_runs([], tmp_path),
        title="t",
        baseline=None,
        images=0,
        data_dir=None,
        force=False,
    )
    server = make_server(request, catalog, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1", 200), ("localhost", 200), ("127.0.0.1:80", 200), ("evil.example", 403)]
)
def test_a_report_is_served_at_port_80_too(port: int, host: str, status: int) -> None:
    """Of port 80 a browser says the host alone."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/state", headers={"Host": host})
    assert connection.getresponse().status == status


def test_a_dry_sweep_refuses_a_name_that_leads_elsewhere(cli: Cli) -> None:
    outcome = cli("sweep", "--dry-run", "--name", "../x", "--norm", "none,bn")
    assert (outcome.code, "a name is one folder's name" in outcome.err) == (2, True)
    assert sorted(Path().iterdir()) == []


def test_detections_are_flushed_and_no_writer_takes_the_file_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    if sys.platform == "linux":
        monkeypatch.setattr(os, "fsync", fsync)
    one, other = CsvWriter(tmp_path, ["a"]), CsvWriter(tmp_path, ["a"])
    assert one.partial != other.partial
    one.close()
    other.close()
    assert [path.name for path in tmp_path.iterdir()] == ["detections.csv"]
    if sys.platform == "linux":
        assert [name for name in flushed if name.startswith(".detections.csv.")] == [
            one.partial.name,
            other.partial.name,
        ]
        assert tmp_path.name in flushed


FACTORY = "from torch import nn\n\ndef make():\n    return nn.Linear(2, 2)\n"


def test_the_current_folder_is_searched_for_a_factory_in_it_only_and_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    before = list(sys.path)
    arrays.load_model("torchvision:resnet18", "none")
    with pytest.raises(netlab.errors.UsageError, match="there is no module 'nowhere_at_all'"):
        arrays.load_model("nowhere_at_all:make", "none")
    assert sys.path == before
    (tmp_path / "factory_of_mine.py").write_text(FACTORY)
    assert arrays.lies_here("factory_of_mine")
    assert not arrays.lies_here("json")
    assert arrays.load_model("factory_of_mine:make", "none")[0].out_features == 2
    assert sys.path == [*before, str(tmp_path)]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT for one process")
def test_ctrl_c_while_modules_are_imported_says_so(tmp_path: Path) -> None:
    """Whenever it comes: before netlab's own code runs, nobody can say a word."""
    slow = tmp_path / "typer.py"  # what the command imports first
    slow.write_text("import time\nopen('here', 'w').close()\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "netlab", "run"], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )  # fmt: skip
    for _ in range(600):
        if (tmp_path / "here").exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "netlab: interrupted\n")


@pytest.mark.parametrize("words", [("run",), ("detect", "train", "nowhere")])
def test_a_batch_that_is_a_slip_of_the_hand_is_refused(cli: Cli, words: tuple[str, ...]) -> None:
    outcome = cli(*words, "--batch-size", "99999999999")
    assert (outcome.code, len(outcome.err.splitlines())) == (2, 1), outcome.err
    assert "--batch-size" in outcome.err


def test_a_page_is_not_left_beside_itself_by_a_kill(cli: Cli, tmp_path: Path) -> None:
    from netlab.files import this_machine, write_output

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f".a[1].csv.{this_machine()}-{ended.pid}-x.tmp"
    other = tmp_path / f".b.csv.{this_machine()}-{ended.pid}-x.tmp"
    for path in (left, other):
        path.write_text("half")
    write_output(tmp_path / "a[1].csv", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "a[1].csv"]
