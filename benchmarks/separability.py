"""How fast and how exact is the separability kernel?

    python benchmarks/separability.py                    # three sizes, and 50,000 points for netlab alone
    python benchmarks/separability.py --walk RUN         # the layers of a trained run
    python benchmarks/separability.py --walk RUN --layers 'conv*'

Every method runs in a process of its own, on the same features: points of ten classes in 24 dimensions
behind a random ReLU layer, standardized. Against netlab stand

- plain: ``torch.cdist`` of all points with all, then arg min, as one would write it down;
- scikit-learn: ``NearestNeighbors(algorithm="brute")``;
- faiss: ``IndexFlatL2`` (extra ``bench``), if installed.

Printed are CPU seconds (user and system, of all threads), the peak of memory beside the features, and
how many of the points' decisions ("is the nearest point of my class?") differ from a float64 computation
that shares no code with netlab. For netlab also the share of the machine's fastest float32 matrix
product that n² d operations in that time are (2 n² d / 2: every pair once), and the share of points that
float32 did not decide. No time is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

SIZES = ((4_500, 32_768), (4_500, 4_096), (12_000, 256))
LARGE = (50_000, 256)
CLASSES = 10
METHODS = ("netlab", "plain", "scikit-learn", "faiss")
CENTRE_METHODS = ("netlab csi", "plain csi", "cdist csi")


def make_features(n: int, d: int, seed: int = 0) -> tuple[torch.Tensor, np.ndarray]:
    """Float32 (n, d) standardized and labels (n,), made in place so that the peak is later the method's."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (n,), generator=generator)
    hidden = torch.randn(CLASSES, 24, generator=generator)[labels] * 0.8
    hidden += torch.randn(n, 24, generator=generator)
    features = torch.empty(n, d)
    step = max(1, (1 << 21) // n)
    for start in range(0, d, step):
        columns = slice(start, min(start + step, d))
        mixing = torch.randn(24, columns.stop - start, generator=generator)
        part = torch.relu(hidden @ mixing + 2 * torch.randn(columns.stop - start, generator=generator))
        features[:, columns] = (part - part.mean(0)) / part.std(0, correction=0).clamp(min=1e-3)
    return features, labels.numpy()


def nearest_netlab(x: torch.Tensor, y: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    from netlab.separability import FeatureSpace

    found = FeatureSpace(x, y).neighbours.nearest
    return found.own == 1, {"decided_again": found.decided_again / len(y)}


def nearest_plain(x: torch.Tensor, y: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    distances = torch.cdist(x, x)
    distances.fill_diagonal_(torch.inf)
    return y[distances.argmin(1).numpy()] == y, {}


def nearest_sklearn(x: torch.Tensor, y: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(x.numpy())
    return y[index.kneighbors(return_distance=False)[:, 0]] == y, {}


def nearest_faiss(x: torch.Tensor, y: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    import faiss

    index = faiss.IndexFlatL2(x.shape[1])
    index.add(x.numpy())
    _, found = index.search(x.numpy(), 2)
    # The point itself is one of the two, mostly the first.
    other = np.where(found[:, 0] == np.arange(len(y)), found[:, 1], found[:, 0])
    return y[other] == y, {}


def centres_netlab(x: torch.Tensor, y: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    from netlab.separability import FeatureSpace

    found = FeatureSpace(x, y).class_means.nearest
    return found.own == 1, {"decided_again": found.decided_again / len(y)}


def centres_plain(x: torch.Tensor, y: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    labels = torch.from_numpy(y)
    means = [x[labels == k].mean(0) for k in range(CLASSES)]
    distances = torch.stack([(x - mean).pow(2).sum(1) for mean in means], 1)
    return distances.argmin(1).numpy() == y, {}


def centres_cdist(x: torch.Tensor, y: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    labels = torch.from_numpy(y)
    means = torch.stack([x[labels == k].mean(0) for k in range(CLASSES)])
    return torch.cdist(x, means).argmin(1).numpy() == y, {}


RUNNERS: dict[str, Callable[[torch.Tensor, np.ndarray], tuple[np.ndarray, dict[str, float]]]] = {
    "netlab": nearest_netlab,
    "plain": nearest_plain,
    "scikit-learn": nearest_sklearn,
    "faiss": nearest_faiss,
    "netlab csi": centres_netlab,
    "plain csi": centres_plain,
    "cdist csi": centres_cdist,
}


def float64_nearest(x: torch.Tensor, y: np.ndarray) -> np.ndarray:
    """Float64 products to find near ties, float64 differences to decide them."""
    points = x.numpy()
    squares = np.concatenate(
        [np.square(points[i : i + 64], dtype=np.float64).sum(1) for i in range(0, len(y), 64)]
    )
    hits = np.empty(len(y), dtype=bool)
    for start in range(0, len(y), 500):
        rows = slice(start, min(start + 500, len(y)))
        product = np.zeros((rows.stop - start, len(y)))
        for first in range(0, points.shape[1], 2048):
            part = slice(first, first + 2048)
            product += points[rows, part].astype(np.float64) @ points[:, part].astype(np.float64).T
        distances = squares[rows, None] + squares - 2 * product
        distances[np.arange(len(distances)), np.arange(start, rows.stop)] = np.inf
        for row, values in enumerate(distances):
            near = np.flatnonzero(values <= values.min() + 1e-9 * squares.max())
            if len(near) > 1:
                exact = np.square(points[start + row].astype(np.float64) - points[near]).sum(1)
                near = near[[exact.argmin()]]
            hits[start + row] = y[near[0]] == y[start + row]
    return hits


def float64_centres(x: torch.Tensor, y: np.ndarray) -> np.ndarray:
    points = x.numpy()
    means = np.stack([points[y == k].astype(np.float64).mean(0) for k in range(CLASSES)])
    hits = np.empty(len(y), dtype=bool)
    for start in range(0, len(y), 64):
        rows = points[start : start + 64].astype(np.float64)
        distances = np.stack([np.square(rows - mean).sum(1) for mean in means], 1)
        hits[start : start + 64] = distances.argmin(1) == y[start : start + 64]
    return hits


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def reset_peak() -> int:
    """Begin a new peak of resident memory, where the system can (Linux); the bytes held now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def run_one(method: str, n: int, d: int, threads: int, folder: Path, engine: str) -> dict[str, Any]:
    """In a process of its own: time and peak of one method; its decisions go to a file."""
    torch.set_num_threads(threads)
    if engine != "auto":
        from netlab.neighbours import matmul

        chosen = {e.name: e for e in (matmul.PLAIN, matmul.ONEDNN)}[engine]
        setattr(matmul, "_measured_product", lambda: chosen)  # noqa: B010 - a cached function otherwise
    x, y = make_features(n, d)
    RUNNERS[method](*make_features(600, 64))  # imports, thread pools, the choice of a product
    before = reset_peak()
    cpu, wall = cpu_seconds(), time.perf_counter()
    hits, more = RUNNERS[method](x, y)
    result = {
        "cpu": cpu_seconds() - cpu,
        "wall": time.perf_counter() - wall,
        "extra": peak_bytes() - before,
        **more,
    }
    np.save(folder / f"{method.replace(' ', '-')}-{n}-{d}.npy", hits)
    return result


def product_peak(threads: int) -> tuple[str, float]:
    """The fastest float32 matrix product here: its name and operations a CPU second."""
    from netlab.neighbours.matmul import ONEDNN, PLAIN, full_float32

    torch.set_num_threads(threads)
    a, b = torch.randn(2, 1024, 1024)
    best = {"numpy": np.inf, PLAIN.name: np.inf, ONEDNN.name: np.inf}
    for _ in range(8):
        for name in best:
            start = cpu_seconds()
            for _ in range(4):
                if name == "numpy":
                    a.numpy() @ b.numpy().T
                else:
                    engine = PLAIN if name == PLAIN.name else ONEDNN
                    with full_float32():
                        engine.multiply(engine.left(a), b)
            best[name] = min(best[name], (cpu_seconds() - start) / 4)
    name = min(best, key=lambda key: best[key])
    return name, 2 * 1024**3 / best[name]


def child(arguments: list[str], threads: int) -> Any:
    environment = {**os.environ, **{f"{v}_NUM_THREADS": str(threads) for v in ("OMP", "MKL", "OPENBLAS")}}
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "failed"}
    return json.loads(done.stdout.splitlines()[-1])


def compare(
    n: int, d: int, methods: tuple[str, ...], threads: int, peak: float, folder: Path, engine: str
) -> None:
    """One size: a row a method."""
    size = 4 * n * d
    print(f"\n{n:,} points x {d:,} features ({size / 2**20:,.0f} MB)")
    header = f"{'method':14} {'CPU s':>8} {'ratio':>7} {'wall s':>8} {'extra MB':>9} {'wrong':>6}"
    print(header)
    truth: dict[str, np.ndarray] = {}
    x, y = make_features(n, d)
    ours: dict[str, dict[str, Any]] = {}
    for method in methods:
        result = child(
            ["--one", method, str(n), str(d), "--threads", str(threads), "--folder", str(folder)], threads
        )
        if "error" in result:
            print(f"{method:14} {result['error']}")
            continue
        kind = "csi" if method.endswith("csi") else "si"
        if kind not in truth:
            truth[kind] = float64_centres(x, y) if kind == "csi" else float64_nearest(x, y)
        hits = np.load(folder / f"{method.replace(' ', '-')}-{n}-{d}.npy")
        wrong = int((hits != truth[kind]).sum())
        ours.setdefault(kind, result)
        ratio = result["cpu"] / ours[kind]["cpu"]
        print(
            f"{method:14} {result['cpu']:8.2f} {ratio:6.1f}x {result['wall']:8.2f} "
            f"{result['extra'] / 2**20:9.0f} {wrong:6d}",
            flush=True,
        )
    for kind, result in ours.items():
        text = f"netlab {kind}: {result['decided_again']:.2%} of the points decided again in float64"
        if kind == "si":
            text += f", {n * n * d / result['cpu'] / peak:.0%} of the product peak"
            text += f", extra memory {result['extra'] / 2**20 - size / 2**20:+,.0f} MB beside one copy"
        print(f"  {text}; value {truth[kind].mean():.4f}")


def compare_walk(run: Path, patterns: list[str], threads: int) -> None:
    """The layers of a run on 10 % of its training images: netlab's SI and CSI against the plain ones."""
    from netlab.classification.restore import load_run
    from netlab.engine.catalog import Catalog
    from netlab.engine.manager import PluginManager
    from netlab.runs.directory import RunDirectory
    from netlab.separability import FeatureSpace
    from netlab.separability.activations import capture
    from netlab.separability.feature_sources import HEAD, stratified_sample
    from netlab.separability.layers import find_layers

    torch.set_num_threads(threads)
    loaded = load_run(RunDirectory(run), Catalog(PluginManager.from_environment()))
    train = loaded.splits.train
    index = torch.from_numpy(stratified_sample(train.labels, 0.1, 0))
    images, labels = train.images[index], train.labels[index].numpy()
    layers = find_layers(
        loaded.network, images, preprocess=loaded.normalization, layers=patterns,
        head=None if patterns else HEAD,
    )  # fmt: skip
    print(f"\nwalk over {len(layers)} layers of {run.name}, {len(labels):,} points")
    seconds = {"forward": 0.0, "netlab": 0.0, "plain": 0.0}
    print(
        f"{'layer':14} {'features':>9} {'netlab CPU s':>13} {'plain CPU s':>12} "
        f"{'si':>7} {'plain si':>9} {'csi':>7}"
    )
    for layer in layers:
        start = cpu_seconds()
        features = capture(loaded.network, images, [layer], preprocess=loaded.normalization).features[
            layer.name
        ]
        seconds["forward"] += cpu_seconds() - start
        start = cpu_seconds()
        space = FeatureSpace(features, labels, standardize=True)
        si, csi = space.neighbours.nearest.own.mean(), space.class_means.nearest.own.mean()
        ours = cpu_seconds() - start
        del space
        start = cpu_seconds()
        scaled = (features - features.mean(0)) / features.std(0, correction=0).clamp(min=1e-12)
        plain = nearest_plain(scaled, labels)[0].mean()
        centres_plain(scaled, labels)
        theirs = cpu_seconds() - start
        seconds["netlab"] += ours
        seconds["plain"] += theirs
        print(
            f"{layer.name:14} {layer.features:9,} {ours:13.2f} {theirs:12.2f} "
            f"{si:7.4f} {plain:9.4f} {csi:7.4f}",
            flush=True,
        )
    print(
        f"forward passes {seconds['forward']:.1f} s (one a layer here); metrics: "
        f"netlab {seconds['netlab']:.1f} s, plain {seconds['plain']:.1f} s, "
        f"ratio {seconds['plain'] / seconds['netlab']:.1f}x"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--size", nargs=2, type=int, action="append", metavar=("POINTS", "FEATURES"))
    parser.add_argument(
        "--engine", choices=("auto", "matmul", "onednn"), default="auto", help="netlab's matrix product"
    )
    parser.add_argument("--walk", type=Path, help="a trained run's folder")
    parser.add_argument("--layers", action="append", default=[], help="of --walk, only these; wildcards")
    parser.add_argument("--folder", type=Path, help="where decisions are kept (default: a temporary folder)")
    parser.add_argument("--one", nargs=3, metavar=("METHOD", "POINTS", "FEATURES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        method, n, d = options.one
        print(json.dumps(run_one(method, int(n), int(d), options.threads, options.folder, options.engine)))
        return
    import tempfile

    torch.set_num_threads(options.threads)
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} processors, {options.threads} thread(s)")
    print(f"torch {torch.__version__}, numpy {np.__version__}, Python {platform.python_version()}")
    if options.walk:
        compare_walk(options.walk, options.layers, options.threads)
        return
    name, peak = product_peak(options.threads)
    print(f"fastest float32 product: {name}, {peak / 1e9:.0f} GFLOP a CPU second")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for n, d in [tuple(size) for size in options.size or ()] or SIZES:
            compare(n, d, METHODS + CENTRE_METHODS, options.threads, peak, folder, options.engine)
        if not options.size:
            compare(*LARGE, ("netlab", "netlab csi"), options.threads, peak, folder, options.engine)


if __name__ == "__main__":
    main()
