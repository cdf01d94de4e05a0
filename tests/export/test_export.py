"""A trained network as a file: what it gives without netlab is what netlab gives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import netlab
from netlab.errors import NetlabError
from netlab.export import export as exporting
from netlab.export.formats import FORMATS, reason_of
from tests.conftest import Cli

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra export is not installed")
pytest.importorskip("onnxscript", reason="the extra export is not installed")

ROOT = Path(__file__).parents[2]
NEEDED = ("numpy", "PIL", "onnxruntime", "flatbuffers")  # all that the script of the page may import


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs of many sizes in two classes, and a run on them, exported."""
    top = tmp_path_factory.mktemp("export")
    rng = np.random.default_rng(0)
    for label, name in enumerate(("blue", "red")):
        (top / "photographs" / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 160, (7, 9, 3), dtype=np.uint8)
            pixels[..., 0 if label else 2] += 60
            turned = Image.fromarray(pixels).resize((50 + 3 * number, 80 - 2 * number))
            exif = Image.Exif()
            exif[0x0112] = 6 if number == 0 else 1  # one lies on its side
            turned.save(top / "photographs" / name / f"{number}.png", exif=exif)
    run = netlab.train(
        data="folder", path=str(top / "photographs"), size=24, shorter=28, norm="bn", width=4, epochs=3,
        mirror=True, shift=1, name="r", runs=top / "runs", quiet=True,
    )  # fmt: skip
    run.export(top / "r.onnx")
    return top


def in_another_python(script: Path, *words: object, folder: Path) -> str:
    """What a script prints in a Python that has no site-packages but those in ``NEEDED``."""
    packages = folder / "packages"
    packages.mkdir(exist_ok=True)
    site = Path(sysconfig.get_paths()["platlib"])
    for found in site.iterdir():
        if found.name.split(".")[0].lower() in {*(name.lower() for name in NEEDED), "pillow"}:
            (packages / found.name).symlink_to(found)
    environment = {"PYTHONPATH": str(packages), "PATH": os.environ["PATH"]}
    alone = subprocess.run(
        [sys.executable, "-S", "-c", "import netlab"],
        env=environment,
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert b"No module named 'netlab'" in alone.stderr
    done = subprocess.run(
        [sys.executable, "-S", str(script), *map(str, words)], env=environment, cwd=folder,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_of_the_page_predicts_the_same_without_netlab(home: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "photographs.md").read_text()
    found = re.search(r"`classify\.py`:\n\n```python\n(.*?)```", page, re.DOTALL)
    assert found
    script = tmp_path / "classify.py"
    script.write_text(found[1])
    images = sorted((home / "photographs").rglob("*.png"))
    printed = in_another_python(script, home / "r.onnx", *images, folder=tmp_path).splitlines()
    expected = netlab.load_run("r", runs=home / "runs").predict(images)
    for line, image, label, row in zip(printed, images, expected.labels, expected.probabilities, strict=True):
        assert line.startswith(f"{image} {label} ")
        assert float(line.rpartition(" ")[2]) == pytest.approx(row.max(), abs=2e-3)


def test_the_file_says_what_it_needs_and_holds_no_path(home: Path) -> None:
    import onnx

    model = onnx.load(home / "r.onnx")
    onnx.checker.check_model(model)
    about = json.loads({entry.key: entry.value for entry in model.metadata_props}["netlab"])
    assert about["classes"] == ["blue", "red"]
    assert (about["height"], about["width"], about["shorter"], about["mode"]) == (24, 24, 28, "RGB")
    assert [value.name for value in model.graph.input] == ["images"]
    assert str(ROOT).encode() not in (home / "r.onnx").read_bytes()
    assert b".py" not in (home / "r.onnx").read_bytes()


def mean_of(run: netlab.Run) -> Tensor:
    return torch.tensor(json.loads((run.path / "interface.json").read_text())["normalization"]["mean"]).view(
        3, 1, 1
    )


def std_of(run: netlab.Run) -> Tensor:
    return torch.tensor(json.loads((run.path / "interface.json").read_text())["normalization"]["std"]).view(
        3, 1, 1
    )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_number_of_images(home: Path, count: int) -> None:
    session = onnxruntime.InferenceSession(str(home / "r.onnx"))
    images = np.random.default_rng(1).integers(0, 256, (count, 3, 24, 24), np.uint8)
    (found,) = session.run(None, {"images": images})
    run = netlab.load_run("r", runs=home / "runs")
    images_seen = torch.from_numpy(images)  # of the network's size: `predict` would resize and cut them
    normalized = (images_seen / 255 - mean_of(run)) / std_of(run)
    with torch.no_grad():
        padded = nn.functional.pad(normalized, (1, 1, 1, 1), mode="reflect")
        still, down, up = normalized, padded[:, :, :-2, :-2], padded[:, :, 2:, 2:]
        means = [(run.network(seen) + run.network(seen.flip(3))) / 2 for seen in (still, down, up)]
        logits = means[0] / 2 + (means[1] + means[2]) / 4
    expected = logits.softmax(1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.shape == (count, 2)


def test_pt2_by_pytorch_alone(home: Path) -> None:
    exported = netlab.load_run("r", runs=home / "runs").export(home / "r.pt2")
    assert exported["difference"] < 1e-5
    assert exported["same_class"] == exported["images"]
    extra = {"netlab.json": ""}
    program = torch.export.load(home / "r.pt2", extra_files=extra)
    assert json.loads(extra["netlab.json"])["classes"] == ["blue", "red"]
    images = torch.zeros(3, 3, 24, 24, dtype=torch.uint8)
    assert program.module()(images).sum(1).tolist() == pytest.approx([1, 1, 1])


def test_int8_is_smaller_and_its_accuracy_is_told(home: Path, cli: Cli) -> None:
    outcome = cli("export", "--run", home / "runs" / "r", "--int8", "--out", "small.onnx", "--json")
    found = json.loads(outcome.out)
    whole = netlab.load_run("r", runs=home / "runs")
    assert found["accuracy"][0] == pytest.approx(whole.result["test_accuracy"])
    session = onnxruntime.InferenceSession("small.onnx")
    data = netlab.load_data("folder", path=str(home / "photographs"), size=24, shorter=28)
    (probabilities,) = session.run(None, {"images": data.test.images.numpy()})
    right = (probabilities.argmax(1) == data.test.labels.numpy()).mean()
    assert found["accuracy"][1] == pytest.approx(right)
    import onnx

    kinds = {node.op_type for node in onnx.load("small.onnx").graph.node}
    assert "DequantizeLinear" in kinds
    assert found["int8"] is True


def test_the_figures_fit_a_terminal(home: Path, cli: Cli) -> None:
    outcome = cli(
        "export", "--run", home / "runs" / "r", "--images", home / "photographs" / "red", "--out", "r.pt2"
    )
    assert outcome.code == 0, outcome.err
    assert "same class  12 of 12 images" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


class Doubtful(nn.Module):
    """Goes one way or the other by what an image holds, which no graph can."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if float(x.mean()) > 0.5 else x


class Unknown(nn.Module):
    """Uses an operator that ONNX has not."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.svdvals(x.flatten(2)).mean(1, keepdim=True)[:, :, None, None].expand_as(x) + x


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (Doubtful, "goes one way or the other by what an image holds"),
        (Unknown, "has no operator aten._linalg_svd"),
    ],
)
def test_what_the_format_can_not_express_is_one_line_and_no_file(
    home: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    layer: type[nn.Module],
    why: str,
) -> None:
    run = netlab.load_run("r", runs=home / "runs")
    real = exporting.load_classifier

    def with_layer(*words: object, **keywords: object) -> object:
        classifier = real(*words, **keywords)  # type: ignore[arg-type]
        classifier.network.conv1 = nn.Sequential(layer(), classifier.network.conv1)
        return classifier

    monkeypatch.setattr(exporting, "load_classifier", with_layer)
    with pytest.raises(
        NetlabError, match=f"ONNX can not express the network of run 'r': it {why}"
    ) as refused:
        run.export(tmp_path / "r.onnx")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_says_something_else_gets_no_name(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Shifted(exporting.Standalone):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images // 2)

    monkeypatch.setattr(exporting, "Standalone", Shifted)
    with pytest.raises(NetlabError, match="probabilities differ by 0"):
        netlab.load_run("r", runs=home / "runs").export(tmp_path / "r.pt2")
    assert list(tmp_path.iterdir()) == []


def test_wrong_use_is_one_line(home: Path, cli: Cli, tmp_path: Path) -> None:
    run = home / "runs" / "r"
    for words, said in (
        (("--out", "r.tflite"), "networks are exported to onnx or pt2"),
        (("--out", "r.onnx", "--to", "pt2"), "ends in .pt2"),
        (("--out", "r.pt2", "--int8"), "--int8 is for --to onnx"),
        (("--out", "nowhere/r.onnx"), "there is no folder nowhere"),
    ):
        outcome = cli("export", "--run", run, *words)
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert said in outcome.err
    assert not list(tmp_path.glob("*.onnx"))


def test_without_its_data_a_run_is_compared_on_other_images(
    home: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    photographs = home / "photographs"
    photographs.rename(home / "gone")
    try:
        refused = cli("export", "--run", home / "runs" / "r", "--out", "r.pt2")
        assert refused.code == 2
        assert "--images FOLDER" in refused.err
        assert (
            cli(
                "export", "--run", home / "runs" / "r", "--out", "r.pt2", "--images", home / "gone" / "red"
            ).code
            == 0
        )
    finally:
        (home / "gone").rename(photographs)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(NetlabError, match=r"pip install 'netlab-vision\[export\]'"):
        netlab.load_run("r", runs=home / "runs").export(tmp_path / "r.onnx")
    assert FORMATS.keys() == {"onnx", "pt2"}


def test_the_reason_is_that_of_the_innermost_error() -> None:
    outer = RuntimeError("\x1b[31mFailed\x1b[0m to export")
    assert reason_of(outer) == "Failed to export"
    outer.__cause__ = ValueError("because of this")
    assert reason_of(outer) == "because of this"
