"""The report, opened in a real browser where one is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netlab.cli.app import main
from netlab.comparison.assemblies import Assembly
from netlab.detection.evaluation.average_precision import Truth, detection_result
from netlab.detection.evaluation.curve_table import write_curves
from netlab.detection.model.detect import Detections
from netlab.engine.catalog import Catalog
from netlab.report import charts
from netlab.report.build import ReportRequest, build_report
from netlab.report.layer_charts import merged_order
from netlab.report.layers import layer_gains
from netlab.report.serve import make_server
from netlab.runs.directory import RunDirectory, list_runs
from netlab.runs.record import RunRecord
from tests.conftest import unlisted

Cli = Callable[..., Any]
HOSTILE = "<script>alert(1)</script>"


def load_browser() -> Any:
    """tests/report/chromium.py: tests are not a package."""
    path = Path(__file__).with_name("chromium.py")
    spec = importlib.util.spec_from_file_location("chromium", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["chromium"] = module
    spec.loader.exec_module(module)
    return module


chromium = load_browser()
needs_browser = pytest.mark.skipif(chromium.BINARY is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two assemblies, two seeds each, one with a hostile class name, and separability of three layers."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {"class_names": np.array([HOSTILE, "right & left"])}
    for part, count in (("train", 40), ("test", 40)):
        labels = np.arange(count) % 2
        images = rng.integers(0, 120, (count, 24, 24), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 12 * label : 12 * (label + 1)] += 100
        arrays |= {f"{part}_images": images, f"{part}_labels": labels}
    np.savez(folder / "small.npz", **arrays)
    for norm in ("none", "bn"):
        for seed in (0, 1):
            name = f"{norm}-{seed}"
            words = ["run", "--data", "npz", "--data.path", folder / "small.npz", "--width", 4, "--norm", norm,
                     "--epochs", 2, "--seed", seed, "--precision", "fp32", "--name", name,
                     "--runs", folder / "runs", "--quiet"]  # fmt: skip
            with pytest.raises(SystemExit) as leaving:
                main([str(word) for word in words])
            assert leaving.value.code == 0
            layers = ["conv1", *(["norm1"] if norm == "bn" else []), "activation1", "avgpool"]
            lines = ["layer,split,metric,value,standard_error,points,features,seconds"]
            for split in ("train", "test"):
                for metric in ("si", "csi"):
                    lines += [
                        f"{layer},{split},{metric},{0.5 + 0.1 * place + 0.01 * seed},,40,9,0.1"
                        for place, layer in enumerate(layers)
                    ]
            (folder / "runs" / name / "separability.csv").write_text("\n".join(lines) + "\n")
    return folder / "runs"


def request_of(runs: Path, **changes: Any) -> ReportRequest:
    values: dict[str, Any] = {
        "choose": lambda: (list_runs(runs), None), "title": "netlab report", "baseline": None,
        "images": 3, "data_dir": None, "force": False,
    }  # fmt: skip
    return ReportRequest(**{**values, **changes})


@pytest.fixture(scope="module")
def report(runs: Path, catalog: Catalog) -> Path:
    page = build_report(request_of(runs), catalog)
    path = runs.parent / "report.html"
    path.write_text(page.html)
    return path


def test_the_file_is_small_and_escapes_names(report: Path) -> None:
    assert report.stat().st_size < 15e6
    text = report.read_text()
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)" in text


def test_every_run_has_its_command_and_environment(report: Path, runs: Path) -> None:
    text = report.read_text()
    for run in list_runs(runs):
        assert run.name in text
        assert run.read_environment()["data_sha256"] in text


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desktop", "phone, dark"])
def test_it_draws_and_sorts_without_error_or_network(
    report: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    with chromium.Page(tmp_path, width=width, dark=dark) as page:
        page.open(report.as_uri())
        assert page.evaluate("netlabReport.drawAll()") == 5
        drawn = page.evaluate("document.querySelectorAll('.plot .main-svg .trace, .plot .hm').length")
        assert drawn >= 5
        # the page itself does not scroll sideways: tables do, in themselves
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

        column = "[...document.querySelectorAll('#runs-table tbody tr')].map(r => r.cells[5].textContent)"
        button = "document.querySelectorAll('#runs-table thead button')[5]"
        page.evaluate(f"{button}.focus()")
        page.press("Enter", 13)
        falling = [float(text) for text in page.evaluate(column)]
        page.press("Enter", 13)
        rising = [float(text) for text in page.evaluate(column)]
        assert falling == sorted(falling, reverse=True)
        assert rising == sorted(falling)

        # the table behind a plot, and the hostile name as text in both
        page.evaluate("document.querySelector('#chart-confusion details').open = true")
        table = "document.querySelector('#chart-confusion details').textContent"
        page.evaluate("new Promise(resolve => setTimeout(() => resolve(1), 200))")
        assert HOSTILE in page.evaluate(table)
        assert HOSTILE in page.evaluate("document.querySelector('#chart-confusion .plot').textContent")
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") != dark
        unlabelled = page.evaluate("[...document.images].filter(image => !image.alt).length")
        assert unlabelled == 0
        assert page.errors == []
        assert [address for address in page.requests if not address.startswith(("file:", "data:"))] == []


@needs_browser
def test_two_hundred_runs_open_in_three_seconds(runs: Path, catalog: Catalog, tmp_path: Path) -> None:
    many = tmp_path / "runs"
    for number in range(200):
        copy = many / f"run-{number}"
        shutil.copytree(runs / f"{'bn' if number % 2 else 'none'}-0", copy,
                        ignore=shutil.ignore_patterns("checkpoints", "plots", "manifest.json"))  # fmt: skip
        config = (copy / "config.toml").read_text()
        config = config.replace("\nseed = 0", f"\nseed = {number // 20}")
        (copy / "config.toml").write_text(config.replace("lr = 0.1", f"lr = 0.{1 + number % 20 // 2}"))
        header, row = (copy / "history.csv").read_text().splitlines()[:2]
        rest = row.partition(",")[2]
        rows = [f"{epoch},{rest}" for epoch in range(1, 41)]
        (copy / "history.csv").write_text("\n".join([header, *rows]) + "\n")
    built = build_report(request_of(many, images=0), catalog)
    path = tmp_path / "many.html"
    path.write_text(built.html)
    assert built.runs == 200
    assert path.stat().st_size < 15e6
    with chromium.Page(tmp_path / "profile") as page:
        # In seconds of the page's own thread: what else the machine does is no property of the report.
        page.call("Performance.enable", timeDomain="threadTicks")
        before = page.processor_seconds()
        page.open(path.as_uri())
        seconds = page.processor_seconds() - before
        assert 0 < seconds < 3
        assert page.evaluate("document.querySelectorAll('#runs-table tbody tr').length") == 200
        assert page.errors == []


def test_what_is_damaged_or_unfinished_is_named_and_the_rest_is_shown(
    runs: Path, cli: Cli, tmp_path: Path
) -> None:
    shutil.copytree(runs, tmp_path / "runs")
    Path("runs/none-1/result.json").unlink()
    Path("runs/none-0/result.json").write_text('{"test_accuracy": "high"}')
    Path("runs/bn-1/separability.csv").write_text("layer,split\nx")
    Path("runs/foreign").mkdir()
    Path("runs/foreign/config.toml").write_text("[x]")
    outcome = cli("report", "--images", "0")
    assert outcome.code == 0, outcome.err
    assert "Traceback" not in outcome.err
    text = Path("report.html").read_text()
    assert "separability.csv is damaged" in text
    assert "result.json is damaged" in text
    assert "foreign/config.toml is damaged" in text
    assert "unfinished" in text


def test_a_folder_of_several_data_sets_has_a_part_for_each(runs: Path, cli: Cli, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path / "runs")
    for name in ("none-1", "bn-1"):  # as if they had been trained on other images
        environment = json.loads(Path(f"runs/{name}/environment.json").read_text())
        path = unlisted(Path(f"runs/{name}")) / "environment.json"
        path.write_text(json.dumps({**environment, "data_sha256": "f" * 64}))
    outcome = cli("report", "--images", "1")
    assert outcome.code == 0, outcome.err
    text = Path("report.html").read_text()
    assert "4 finished of 4 runs, 4 assemblies, 2 data sets" in text
    assert "Data npz, digest ffffffff" in text
    identifiers = re.findall(r'<(?:section|h2|figure|table)[^>]* id="([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers))
    assert {"data", "data-2", "curves", "curves-2", "hardest", "hardest-2"} <= set(identifiers)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= {*identifiers, "main"}
    charts = json.loads(text.split('id="charts">')[1].split("</script>")[0])
    assert {"differences", "differences-2"} <= set(charts)
    compared = cli("compare", "--json")
    assert compared.code == 0, compared.err
    found = json.loads(compared.out)["comparisons"]
    assert [{row["n"] for row in comparison["rows"]} for comparison in found] == [{1}, {1}]
    assert cli("compare").out.count("data npz, digest") == 2
    assert cli("report", "--force", "--images", "0").code == 0
    assert "NOT COMPARABLE" in Path("report.html").read_text()


def test_a_report_of_no_run_is_one_line(cli: Cli) -> None:
    outcome = cli("report")
    assert (outcome.code, "no run in 'runs'" in outcome.err) == (2, True)


@pytest.fixture
def server(runs: Path, catalog: Catalog, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    copy = tmp_path / "runs"
    shutil.copytree(runs, copy)
    server = make_server(request_of(copy, images=0), catalog, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", copy
    server.shutdown()
    server.server_close()


def fetch(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return str(answer.read().decode())


def test_a_served_report_changes_with_the_runs(server: tuple[str, Path]) -> None:
    address, runs = server
    before = fetch(f"{address}/state")
    assert "none-0" in fetch(address)
    assert before in fetch(address)
    result = json.loads((runs / "none-0" / "result.json").read_text())
    (unlisted(runs / "none-0") / "result.json").write_text(json.dumps({**result, "test_accuracy": 0.1234}))
    assert fetch(f"{address}/state") != before
    assert "0.1234" in fetch(address)
    with pytest.raises(urllib.error.HTTPError):
        fetch(f"{address}/runs/none-0/config.toml")


def test_layers_of_different_assemblies_have_one_order() -> None:
    plain, normed = ["conv1", "act1", "pool", "avg"], ["conv1", "norm1", "act1", "pool", "norm2", "avg"]
    merged = merged_order([plain, normed])
    assert merged == ["conv1", "norm1", "act1", "pool", "norm2", "avg"]
    assert merged_order([normed, plain]) == merged


def test_a_layer_that_does_not_raise_si_is_a_candidate() -> None:
    def record(seed: int, values: list[float]) -> RunRecord:
        rows = [
            {"layer": name, "split": "test", "metric": "si", "value": value}
            for name, value in zip(("a", "b", "c"), values, strict=True)
        ]
        return RunRecord(RunDirectory(Path(str(seed))), {}, separability=rows)

    runs = {0: record(0, [0.5, 0.7, 0.6]), 1: record(1, [0.5, 0.7, 0.61])}
    b, c = layer_gains(Assembly("x", {}, runs))
    assert (b.name, b.is_candidate) == ("b", False)
    assert b.gain == pytest.approx(0.2)
    assert (c.name, c.is_candidate) == ("c", True)
    assert c.gain == pytest.approx(-0.095)


def test_a_served_report_is_for_this_machine_only(server: tuple[str, Path]) -> None:
    address, _ = server
    request = urllib.request.Request(address, headers={"Host": "evil.example:8000"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=30)


@needs_browser
def test_an_open_page_follows_the_runs(server: tuple[str, Path], tmp_path: Path) -> None:
    address, runs = server
    with chromium.Page(tmp_path / "profile") as page:
        page.open(address)
        assert not page.evaluate("document.body.textContent.includes('0.1234')")
        select = "document.querySelector('#chart-curves select')"
        details = "document.querySelector('#chart-curves details')"
        page.evaluate(
            f"{select}.value = 2; {select}.dispatchEvent(new Event('change')); {details}.open = true"
        )
        result = json.loads((runs / "none-0" / "result.json").read_text())
        (unlisted(runs / "none-0") / "result.json").write_text(
            json.dumps({**result, "test_accuracy": 0.1234})
        )
        end = time.monotonic() + 60
        shown = False
        while not shown and time.monotonic() < end:
            time.sleep(0.2)
            with contextlib.suppress(RuntimeError):  # asked in the middle of loading
                shown = page.evaluate(
                    "document.readyState === 'complete' && document.body.textContent.includes('0.1234')"
                )
        assert shown
        # what the reader chose and opened is as it was
        assert page.evaluate(f"{select}.value") == "2"
        assert page.evaluate(f"{details}.open")
        assert "validation loss" in page.evaluate(f"{details}.textContent")
        assert page.errors == []


@pytest.fixture
def detector(tmp_path: Path) -> RunDirectory:
    """A finished detector of two classes, one with a hostile name: five objects, six detections."""
    directory = RunDirectory(tmp_path / "detectors" / "scenes")
    directory.create()
    evaluation = directory.path / "evaluation"
    evaluation.mkdir()
    names = [HOSTILE, "cat"]
    boxes = np.array([[10 * k, 0, 10 * k + 8, 8] for k in range(6)], np.float32)
    truth = Truth(boxes[:5], np.array([1, 1, 1, 1, 2]), np.zeros(5, bool))
    scores = np.linspace(0.9, 0.4, 6).astype(np.float32)
    found = Detections(boxes, scores, np.array([1, 1, 1, 2, 2, 1]))
    result = detection_result([found], [truth], names)
    write_curves([found], [truth], names, evaluation)
    Image.new("RGB", (2000, 800), (200, 40, 40)).save(evaluation / "misses.png")
    directory.config.write_text("[detection]\nclasses = ['a', 'b']\n[proposer]\nname = 'selective-search'\n")
    directory.environment.write_text(json.dumps({"command": ["netlab", "detect", "train", "a b"]}))
    directory.history.write_text(
        "epoch,train_loss,train_box_loss,val_ap50,hard_negatives,lr,seconds\n1,2.5,0.5,0.25,0,0.1,1\n"
    )
    summary = {**result.as_dict(), "training_images": 9, "validation_images": 1, "confidence": {"cat": 0.5}}
    directory.result.write_text(json.dumps(summary))
    return directory


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desktop", "phone, dark"])
def test_a_detector_is_shown_with_its_curves_and_pictures(
    detector: RunDirectory, cli: Cli, tmp_path: Path, width: int, dark: bool
) -> None:
    outcome = cli("report")
    assert outcome.code == 0, outcome.err
    assert HOSTILE not in Path("report.html").read_text()
    with chromium.Page(tmp_path / "profile", width=width, dark=dark) as page:
        page.open(Path("report.html").absolute().as_uri())
        assert page.evaluate("netlabReport.drawAll()") == 2
        series = "document.querySelectorAll('#chart-precision-recall .scatterlayer .trace').length"
        assert page.evaluate(series) == 2
        # three of the four objects were found, at once: recall .25, .5, .75 with precision 1
        page.evaluate("document.querySelector('#chart-precision-recall details').open = true")
        page.evaluate("new Promise(done => setTimeout(done, 100))")
        rows = "[...document.querySelectorAll('#chart-precision-recall tbody tr')].map(r => "
        cells = page.evaluate(rows + "[...r.cells].map(c => c.textContent))")
        assert [row[1:3] for row in cells if row[0] == HOSTILE] == [
            ["0.25", "1"],
            ["0.5", "1"],
            ["0.75", "1"],
        ]
        assert page.evaluate("document.querySelector('#detection img').naturalWidth") == 1280
        assert "missed object" in page.evaluate("document.querySelector('#detection img').alt")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate("document.querySelectorAll('nav a').length") == 2
        assert page.errors == []
        assert all(address.startswith(("file:", "data:")) for address in page.requests)


def test_a_detector_beside_runs_is_shown_too_and_not_compared(
    detector: RunDirectory, runs: Path, cli: Cli
) -> None:
    shutil.copytree(runs, "runs")
    shutil.copytree(detector.path, "runs/misplaced")
    assert cli("report", "--images", "0").code == 0
    text = Path("report.html").read_text()
    assert "4 finished of 4 runs, 2 assemblies, 2 detectors" in text
    assert "netlab detect train &#39;a b&#39;" in text
    compared = cli("compare")
    assert compared.code == 0
    assert "'misplaced' is a detector" in compared.err
    assert cli("report", "scenes", "none-0", "--images", "0").code == 0


def test_a_damaged_detector_is_named_and_the_rest_of_it_shown(detector: RunDirectory, cli: Cli) -> None:
    detector.result.write_text("{")
    (detector.path / "evaluation" / "precision_recall.csv").write_text("class,recall\nx,1\n")
    (detector.path / "evaluation" / "misses.png").write_bytes(b"no picture")
    outcome = cli("report")
    assert outcome.code == 0, outcome.err
    assert "result.json is damaged" in outcome.err
    assert "precision_recall.csv is damaged" in outcome.err
    text = Path("report.html").read_text()
    assert "unfinished" in text
    assert "There are no pictures of mistakes yet" in text


def test_a_chart_of_few_assemblies_is_low(report: Path) -> None:
    figures = json.loads(report.read_text().split('id="charts">')[1].split("</script>")[0])
    height = figures["differences"][0]["figure"]["layout"]["height"]
    assert height < 250
    assert f'style="min-height:{height}px" data-chart="differences"' in report.read_text()


def test_what_runs_share_is_said_once_and_a_chart_has_no_thousands_of_lines(
    runs: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(runs, tmp_path / "runs")
    path = unlisted(Path("runs/bn-1")) / "environment.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "device_name": "another machine"}))
    monkeypatch.setattr(charts, "MOST_CURVES", 2)
    assert cli("report", "--images", "0").code == 0
    page = Path("report.html").read_text()
    environment = page.split('id="environment"')[1].split("</section>")[0]
    assert environment.count("git_revision") == 1
    assert environment.count("another machine") == 1
    assert environment.count("<summary><code>") == 4
    assert "Of 4 runs, 2 are drawn: the first of each assembly." in page
    data = json.loads(page.split('id="charts">')[1].split("</script>")[0])
    assert [len(view["figure"]["data"]) for view in data["curves"]] == [2, 2, 2, 2]


def test_a_report_of_networks_needs_no_pytorch() -> None:
    code = "import sys, netlab.report.build; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
