"""Does netlab see in its own networks what the report saw in its?

    python benchmarks/report_fidelity.py --plain runs/PLAIN --bn runs/BN      # runs that are there
    python benchmarks/report_fidelity.py --train cifar10.npz --epochs 10      # or train the two first

Measures SI and CSI of every layer of the report's plain and batch-norm variants, as the report did: on a
stratified 10 % of the training and of the test images, every layer's output flattened and standardized
per feature. Beside them stand the report's own values (``--report``, by default
``../shared/reference/report_layers.csv``, a sibling of this repository), put into the order of execution.
Prints the two side by side, the rank correlation of the curves, and whether norm1 has exactly conv1's
values, as it must: an affine map per channel is undone by standardizing. Draws
``report-fidelity.png`` and ``.svg`` into ``--out``.

To expect: the report's networks were trained for 100 epochs on the original images, on 50,000 instead of
45,000 for the 'train' sample, with augmentation on and a softmax before the loss; so the shapes of the
curves compare, not their last digits.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

REPORT = Path(__file__).resolve().parents[1].parent / "shared" / "reference" / "report_layers.csv"
VARIANTS = {"plain": "none", "bn": "bn"}
REPORTED_ACCURACY = {"plain": ".77", "bn": ".82"}
METRICS = ("si", "csi")
SPLITS = ("train", "test")

Values = dict[tuple[str, str, str], float]  # metric, split, layer


def report_values(path: Path, model: str) -> Values:
    """The report's values of one model; its ``bn1`` is netlab's ``norm1``."""
    with path.open() as file:
        return {
            (row["metric"], row["split"], row["layer"].replace("bn", "norm")): float(row["value"])
            for row in csv.DictReader(file)
            if row["model"] == model
        }


def train(data: Path, variant: str, epochs: int, runs: Path) -> Path:
    """Train a variant with ``netlab run``; an unfinished run is gone on with."""
    name = f"fidelity-{variant}-{epochs}"
    if not (runs / name / "result.json").exists():
        command = [
            sys.executable, "-m", "netlab", "run", "--data", "npz", "--data.path", str(data),
            "--backbone", "compact", "--block", "residual", "--norm", VARIANTS[variant],
            "--epochs", str(epochs), "--name", name, "--runs", str(runs),
        ]  # fmt: skip
        subprocess.run(command, check=True)
    return runs / name


def measure(run: Path, fraction: float, seed: int) -> tuple[list[str], Values, float]:
    """Layers in the order of execution, SI and CSI by layer and split, and the test accuracy."""
    from netlab.classification.restore import load_run
    from netlab.engine.catalog import Catalog
    from netlab.engine.manager import PluginManager
    from netlab.runs.directory import RunDirectory
    from netlab.separability.bound_metric import bind_metrics
    from netlab.separability.feature_sources import network_of_run
    from netlab.separability.settings import MeasurementSettings

    loaded = load_run(RunDirectory(run), Catalog(PluginManager.from_environment()))
    subject = network_of_run(loaded, MeasurementSettings(fraction=fraction, seed=seed))
    values: Values = {}
    layers: list[str] = []
    for report in subject.reports(bind_metrics(METRICS)):
        print(f"  {report.name}, {report.split}", file=sys.stderr)
        if report.name not in layers:
            layers.append(report.name)
        for metric, result in report.results.items():
            values[metric, report.split, report.name] = result.value
    return layers, values, float(RunDirectory(run).read_result()["test_accuracy"])


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's: how well two curves agree on which layer separates better."""
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def show(variant: str, run: Path, layers: list[str], ours: Values, theirs: Values, accuracy: float) -> None:
    config = tomllib.loads((run / "config.toml").read_text())
    epochs, recipe = config["training"]["epochs"], config["recipe"]["name"]
    print(f"\n{variant}: run '{run.name}', recipe {recipe}, {epochs} epochs, test accuracy {accuracy:.3f}")
    header = "".join(f"{f'{metric} {split}':>18}" for metric in METRICS for split in SPLITS)
    print(f"{'layer':12}{header}     (netlab / report)")
    for layer in layers:
        cells = ""
        for metric in METRICS:
            for split in SPLITS:
                reported = theirs.get((metric, split, layer), float("nan"))
                cells += f"{ours[metric, split, layer]:10.3f} /{reported:6.3f}"
        print(f"{layer:12}{cells}")
    for metric in METRICS:
        for split in SPLITS:
            common = [layer for layer in layers if (metric, split, layer) in theirs]
            mine = [ours[metric, split, layer] for layer in common]
            published = [theirs[metric, split, layer] for layer in common]
            away = np.abs(np.subtract(mine, published))
            print(
                f"  {metric} {split}: rank correlation {rank_correlation(mine, published):.2f}, "
                f"difference {away.mean():.3f} on average, {away.max():.3f} at most ({common[away.argmax()]})"
            )
    if "norm1" in layers:
        same = all(
            ours[metric, split, "norm1"] == ours[metric, split, "conv1"]
            for metric in METRICS
            for split in SPLITS
        )
        print(f"  norm1 has exactly conv1's SI and CSI: {'yes' if same else 'NO'}")


def draw(results: dict[str, Any], out: Path) -> None:
    """A panel a variant and metric: netlab's curves and the report's."""
    from matplotlib.figure import Figure

    from netlab.runs.curves import save_figure

    figure = Figure(figsize=(6.4 * len(results), 8.2), layout="constrained")
    panels = figure.subplots(len(METRICS), len(results), squeeze=False)
    colours = {"train": "#0072B2", "test": "#D55E00"}
    for column, (variant, (layers, ours, theirs, accuracy)) in enumerate(results.items()):
        for row, metric in enumerate(METRICS):
            axes = panels[row, column]
            places = np.arange(len(layers))
            for split in SPLITS:
                mine = [ours[metric, split, layer] for layer in layers]
                reported = [theirs.get((metric, split, layer), np.nan) for layer in layers]
                axes.plot(
                    places, mine, color=colours[split], marker="o", markersize=4, label=f"netlab, {split}"
                )
                axes.plot(
                    places, reported, color=colours[split], marker="s", markersize=3.5, linestyle="--",
                    alpha=0.55, label=f"report, {split}",
                )  # fmt: skip
            axes.set_xticks(places, layers, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
            axes.set_ylabel(metric.upper())
            axes.set_ylim(0, 1)
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
            if row == 0:
                title = f"{variant}: test accuracy {accuracy:.3f} (report {REPORTED_ACCURACY[variant]})"
                axes.set_title(title, fontsize=11)
    panels[0, 0].legend(frameon=False, loc="upper left", fontsize=9)
    figure.supxlabel("layer, in the order of execution", fontsize=10)
    for path in save_figure(figure, out / "report-fidelity"):
        print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain", type=Path, help="a finished run without normalization")
    parser.add_argument("--bn", type=Path, help="a finished run with batch normalization")
    parser.add_argument("--train", type=Path, metavar="NPZ", help="train the variants that are not given")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path())
    options = parser.parse_args()
    if not options.report.exists():
        parser.error(f"the report's values are not at {options.report}: give --report")
    runs = {"plain": options.plain, "bn": options.bn}
    if options.train is not None:
        runs = {
            variant: run or train(options.train, variant, options.epochs, options.runs)
            for variant, run in runs.items()
        }
    runs = {variant: run for variant, run in runs.items() if run is not None}
    if not runs:
        parser.error("give --plain, --bn or --train")
    results: dict[str, Any] = {}
    for variant, run in runs.items():
        theirs = report_values(options.report, variant)
        layers, ours, accuracy = measure(run, options.fraction, options.seed)
        show(variant, run, layers, ours, theirs, accuracy)
        results[variant] = (layers, ours, theirs, accuracy)
    draw(results, options.out)


if __name__ == "__main__":
    main()
