"""Few photographs, pretrained weights: netlab's default against the two plain ways, on the same splits.

    python benchmarks/transfer.py --photos FOLDER [--cells VOC] --weights FILE [--seeds 5] [--tutorial-epochs 25]

For each seed a fifth of each class is set aside, by content; nobody sees it before the end. Compared are

- netlab: ``netlab run --data folder --backbone torchvision:mobilenet_v2 --weights FILE``, nothing else chosen;
- logistic regression on the features of the same frozen network (scikit-learn, C by 5-fold cross-validation
  on all other images, features standardized);
- the loop of PyTorch's transfer tutorial: all layers, SGD .001 with momentum .9, divided by ten after 7 epochs,
  batch 4, random crops and flips, the best epoch by the validation images that netlab has too.

Seconds are those of the processor, one thread, from files to test accuracy, without any cache. Intervals are
95 %, Student's t over the seeds; the difference to logistic regression is paired.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torchvision import models, transforms

from netlab.api.installed import installed
from netlab.classification.experiment import Experiment, prepare, run_experiment
from netlab.detection.data.voc import read_voc
from netlab.pretrained import PretrainedNetwork
from netlab.runs.environment import processor_name

CELLS = {"RBC": 200, "WBC": 60, "Platelets": 40}  # crops of each class: unequal, as in the photographs
NETWORK = "mobilenet_v2"


def cut_cells(voc: Path, folder: Path) -> Path:
    """The first boxes of each class as PNG files, a folder a class."""
    wanted = dict(CELLS)
    for annotated in read_voc(voc).train:
        with Image.open(annotated.path) as image:
            for number, (name, box) in enumerate(zip(annotated.names, annotated.boxes, strict=True)):
                if wanted.get(name, 0) and min(box[2] - box[0], box[3] - box[1]) >= 8:
                    wanted[name] -= 1
                    (folder / name).mkdir(parents=True, exist_ok=True)
                    left, top, right, bottom = (float(side) for side in np.rint(box))
                    crop = image.convert("RGB").crop((left, top, right, bottom))
                    crop.save(folder / name / f"{annotated.path.stem}-{number}.png")
    return folder


def timed(action: Callable[[], float]) -> tuple[float, float]:
    """What it gives, and the processor's seconds."""
    began = time.process_time()
    return action(), time.process_time() - began


def prepared(data: Path, weights: Path, seed: int, runs: Path) -> Experiment:
    """netlab's default for a folder; ``seed`` is that of the test part, of the validation part and of all else."""
    tables = {
        "data": {"name": "folder", "path": data, "test_seed": seed},
        "backbone": {"name": f"torchvision:{NETWORK}"},
        "training": {"weights": str(weights), "seed": seed, "split_seed": seed},
    }
    return prepare(installed(), tables, runs=runs, name=f"s{seed}", data_dir=runs, offline=True, device="cpu")


def by_netlab(data: Path, weights: Path, seed: int, runs: Path) -> float:
    from netlab.training.reporter import Silent

    finished = run_experiment(prepared(data, weights, seed, runs), installed(), Silent())
    return float(finished.result["test_accuracy"])


def by_regression(data: Path, weights: Path, seed: int, runs: Path) -> float:
    """Trained on training and validation images: cross-validation needs none of its own."""
    setup = prepared(data, weights, seed, runs).setup
    network = setup.network
    assert isinstance(network, PretrainedNetwork)
    network.eval().to(memory_format=torch.channels_last)

    def features(images: Tensor) -> np.ndarray[Any, Any]:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=setup.precision == "bf16"):
            found = [
                network.until(
                    setup.normalization(part).contiguous(memory_format=torch.channels_last), 0, network.trunk
                )
                for part in images.split(32)
            ]
        return torch.cat(found).float().numpy()

    parts = setup.splits
    known = features(torch.cat([parts.train.images, parts.val.images]))
    labels = torch.cat([parts.train.labels, parts.val.labels]).numpy()
    model = make_pipeline(
        StandardScaler(), LogisticRegressionCV(Cs=np.logspace(-4, 4, 9), cv=5, max_iter=3000)
    )
    model.fit(known, labels)
    return float(model.score(features(parts.test.images), parts.test.labels.numpy()))


def by_tutorial(data: Path, weights: Path, seed: int, runs: Path, epochs: int) -> float:
    from safetensors.torch import load_file

    setup = prepared(data, weights, seed, runs).setup
    parts, classes = setup.splits, setup.classes
    torch.manual_seed(seed)
    network = models.get_model(NETWORK, weights=None)
    network.load_state_dict(load_file(weights), strict=False)
    network.classifier[1] = nn.Linear(network.last_channel, classes)
    crop = transforms.Compose(
        [transforms.RandomResizedCrop(224, antialias=True), transforms.RandomHorizontalFlip()]
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    best, state = -1.0, network.state_dict()
    for _ in range(epochs):
        network.train()
        for batch in torch.randperm(len(parts.train)).split(4):
            images = torch.stack([crop(image) for image in parts.train.images[batch]])
            loss = nn.functional.cross_entropy(
                network(setup.normalization(images)), parts.train.labels[batch]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        accuracy = accuracy_of(network, setup.normalization, parts.val)
        if accuracy > best:
            best, state = accuracy, {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(state)
    return accuracy_of(network, setup.normalization, parts.test)


def accuracy_of(network: nn.Module, normalization: Any, part: Any) -> float:
    network.eval()
    with torch.inference_mode():
        found = torch.cat([network(normalization(images)).argmax(1) for images in part.images.split(32)])
    return float((found == part.labels).float().mean())


def interval(values: Sequence[float]) -> str:
    """Mean and half the width of the 95 % interval."""
    array = np.asarray(values)
    if len(array) < 2:
        return f"{array.mean():.3f}"
    half = student.ppf(0.975, len(array) - 1) * array.std(ddof=1) / len(array) ** 0.5
    return f"{array.mean():+.3f} ±{half:.3f}" if array.min() < 0 else f"{array.mean():.3f} ±{half:.3f}"


def compare(name: str, data: Path, weights: Path, seeds: int, tutorial: int, folder: Path) -> None:
    """Print the table of one data set; a row a way, every seed in turn."""
    ways: dict[str, Callable[[int, Path], float]] = {
        "netlab": lambda seed, runs: by_netlab(data, weights, seed, runs),
        "logistic regression": lambda seed, runs: by_regression(data, weights, seed, runs),
    }
    if tutorial:
        ways[f"tutorial, {tutorial} epochs"] = lambda seed, runs: by_tutorial(
            data, weights, seed, runs, tutorial
        )
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for seed in range(seeds):
        for way, action in ways.items():
            with tempfile.TemporaryDirectory(dir=folder) as place:
                os.environ["NETLAB_CACHE"] = str(Path(place) / "cache")
                accuracy, seconds = timed(partial(action, seed, Path(place)))
                found[way].append((accuracy, seconds))
                print(f"# {name}, seed {seed}, {way}: {accuracy:.4f}, {seconds:.0f} s", flush=True)
    base = [accuracy for accuracy, _ in found["logistic regression"]]
    print(f"\n{name}: {seeds} seeds\n{'':24}{'test accuracy':>18}{'less regression':>20}{'CPU s':>8}")
    for way, values in found.items():
        accuracies = [accuracy for accuracy, _ in values]
        less = [a - b for a, b in zip(accuracies, base, strict=True)]
        mean_seconds = np.mean([second for _, second in values])
        print(f"{way:24}{interval(accuracies):>18}{interval(less):>20}{mean_seconds:>8.0f}")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="a folder a class")
    parser.add_argument("--cells", type=Path, help="a folder in VOC layout, of which crops are made")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tutorial-epochs", type=int, default=25, help="0: without it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", FutureWarning)
    print(f"{processor_name()}; one thread; PyTorch {torch.__version__}\n")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.photos:
            compare(
                "photos",
                arguments.photos,
                arguments.weights,
                arguments.seeds,
                arguments.tutorial_epochs,
                Path(folder),
            )
        if arguments.cells:
            cells = cut_cells(arguments.cells, Path(folder) / "cells")
            compare(
                "cells", cells, arguments.weights, arguments.seeds, arguments.tutorial_epochs, Path(folder)
            )


if __name__ == "__main__":
    main()
