"""Class minima on other processes and machines: a pair of panels of points is one piece of work.

Every worker reads the same files, memory-mapped, makes the same points of them, and holds two panels at
a time. What the pieces give is merged by the element-wise minimum, which does not depend on their
order. The minima are as good as those of one process, within the bound of ``neighbours/operands.py``,
and every decision is made from them in the same way: so the values are equal.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from netlab.errors import NetlabError, UsageError
from netlab.executors.place import AT_ONCE, Place, ended_on_failure, open_executor, share_at
from netlab.executors.retry import call_each
from netlab.launch import usable_processors
from netlab.neighbours.operands import SortedPoints
from netlab.neighbours.tiles import ProgressCallback, Span, pair_minima

if TYPE_CHECKING:
    from netlab.separability.settings import MeasurementSettings
    from netlab.separability.subject import Subject

Minima = Callable[[SortedPoints, ProgressCallback | None], NDArray[np.float32]]

PANEL = 16384  # points of a panel at most: a pair of panels is seconds of work
PIECES = 8  # a worker at least, so that all end at about the same time
_BESIDE = 128 << 20  # bytes of a worker beside its panels


@dataclass(frozen=True, slots=True)
class Files:
    """From what a worker makes the points, and how: the arguments of ``feature_sources.FeatureFiles``."""

    features: str
    labels: str
    fraction: float
    seed: int
    standardize: bool
    nan: Literal["raise", "omit"]


@dataclass(frozen=True, slots=True)
class Sharing:
    """Among whom the nearest points are shared out, and what each gets; None: as many as there are."""

    place: Place
    workers: int | None = None
    threads: int | None = None


def check_shared_out(subject: Subject, settings: MeasurementSettings) -> tuple[Path, Path]:
    """The files of features and labels whose nearest points can be shared out.

    Raises:
        UsageError: it is not the nearest points of files that would be shared out.
    """
    if subject.features is None or subject.labels is None:
        raise UsageError("--executor needs --features and --labels: files that every worker can read")
    if subject.reference_features is not None or settings.sample_queries is not None:
        flag = "--reference-features" if subject.reference_features is not None else "--sample-queries"
        raise UsageError(f"--executor shares out the nearest points among all points: not with {flag}")
    return subject.features, subject.labels


@contextlib.contextmanager
def shared_out(sharing: Sharing, subject: Subject, settings: MeasurementSettings) -> Iterator[Minima]:
    """The class minima of the points in a subject's files, by an executor that is open for a while.

    The memory is that of a worker on another machine; here the workers share it.

    Raises:
        UsageError: as ``check_shared_out``.
    """
    features, labels = check_shared_out(subject, settings)
    place, workers = sharing.place, sharing.workers
    most = AT_ONCE if place.is_elsewhere else usable_processors()
    share = share_at(place, workers or most, workers=workers, threads=sharing.threads)
    files = Files(
        str(features.absolute()), str(labels.absolute()), settings.fraction, settings.seed,
        settings.standardize, settings.nan,
    )  # fmt: skip
    with ended_on_failure(open_executor(place, share, Path())) as opened:
        count = opened.capacity()
        memory = settings.memory if place.is_elsewhere else settings.memory // count
        yield distributed_minima(opened, files, workers=count, memory=memory)


def distributed_minima(executor: Executor, files: Files, *, workers: int, memory: int) -> Minima:
    """``tiles.class_minima`` by an executor with ``workers`` workers, each within ``memory`` bytes.

    What it gives is for the points that these files hold.
    """

    def minima(points: SortedPoints, progress: ProgressCallback | None = None) -> NDArray[np.float32]:
        rows = panel_rows(points, workers, memory)
        panels = [(start, min(start + rows, points.n)) for start in range(0, points.n, rows)]
        pairs = [(a, b) for i, a in enumerate(panels) for b in panels[i:]]
        best = np.full((points.n, points.classes), np.inf, dtype=np.float32)
        done, total = 0, points.n * (points.n + 1) // 2
        digest = digest_of(points)
        calls = [(files, rows, first, second, digest) for first, second in pairs]
        for (_, _, first, second, _), sides in call_each(executor, minima_of_pair, calls):
            for span, side in zip((first, second), sides, strict=True):
                part = best[slice(*span)]
                np.minimum(part, side, out=part)
            count = first[1] - first[0]
            done += count * (count + 1) // 2 if first == second else count * (second[1] - second[0])
            if progress is not None:
                progress(done, total)
        return best

    return minima


def panel_rows(points: SortedPoints, workers: int, memory: int) -> int:
    """How many points make a panel: two of them fit the memory, and there is work for all workers.

    Raises:
        NetlabError: the memory is too small.
    """
    beside = _BESIDE + 64 * points.n  # order, codes, squared norms and labels
    row = 2 * 4 * (points.d + 2 + points.classes)
    fitting = (memory - beside) // row
    if fitting < 64:
        needed = (beside + 64 * row) >> 20
        raise NetlabError(
            f"--memory: {memory >> 20} MiB for a worker are too little: it needs {needed + 1} MiB at least"
        )
    count = 1
    while count * (count + 1) // 2 < PIECES * workers:
        count += 1
    return int(max(64, min(PANEL, fitting, -(-points.n // count))))


def minima_of_pair(
    files: Files, rows: int, first: Span, second: Span, digest: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The work of a worker: the minima of two panels over their pairs.

    Raises:
        NetlabError: its files are others than those of the one who asks.
    """
    points = points_of(files, rows)
    if digest_of(points) != digest:
        raise NetlabError(f"{files.features} or its labels are others on a worker than here")
    return pair_minima(points, first, second)


@lru_cache(maxsize=1)
def points_of(files: Files, rows: int) -> SortedPoints:
    """The points of the files, ``rows`` of them in memory at once; made once a worker."""
    from netlab.separability.feature_sources import FeatureFiles
    from netlab.separability.settings import MeasurementSettings
    from netlab.separability.space.feature_space import FeatureSpace

    settings = MeasurementSettings(fraction=files.fraction, seed=files.seed)
    arrays = FeatureFiles(Path(files.features), Path(files.labels), None, None, settings)
    space = FeatureSpace(
        arrays.features, arrays.labels, standardize=files.standardize or None, nan=files.nan
    )  # fmt: skip
    matrix = space.matrix
    return SortedPoints(matrix, space.codes, len(space.class_names), panel_rows=rows, device=matrix.device)


def digest_of(points: SortedPoints) -> str:
    """A digest of the points' classes and order, and of a few of their features."""
    digest = hashlib.sha256(f"{points.n} {points.d} {points.classes} {points.exponent}".encode())
    digest.update(points.codes.tobytes())
    digest.update(points.order.tobytes())
    some = np.linspace(0, points.n - 1, min(points.n, 64)).astype(np.int64)
    digest.update(points.matrix.take(some).double().numpy().tobytes())
    return digest.hexdigest()
