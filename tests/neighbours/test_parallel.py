"""Threads share the work, and change nothing about the result."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from prepared import sorted_points

from netlab.neighbours.parallel import each, even_slices
from netlab.neighbours.tiles import class_minima, pair_minima, strip_minima, strips
from netlab.separability import FeatureSpace
from netlab.threads import limited_threads

CPU = torch.device("cpu")


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_jobs_run_on_several_threads_and_their_results_keep_the_order(threads):
    threads(3)
    meet = threading.Barrier(3, timeout=20)  # passes only if three jobs run at once
    finished = []

    def work(job):
        meet.wait()
        return torch.get_num_threads(), job

    found = each(work, range(3), CPU, finished.append)
    assert found == [(1, 0), (1, 1), (1, 2)]
    assert finished == [0, 1, 2]
    assert torch.get_num_threads() == 3


def test_an_error_in_a_job_comes_out_and_the_threads_are_as_before(threads):
    threads(2)

    def work(job):
        if job == 1:
            raise ArithmeticError("job 1")

    with pytest.raises(ArithmeticError, match="job 1"):
        each(work, range(50), CPU)
    assert torch.get_num_threads() == 2


def test_single_threaded_ends_with_its_block(threads):
    threads(2)
    with limited_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("length", "count"), [(0, 4), (1, 4), (7, 3), (16, 4), (5, 100)])
def test_spans_cover_everything_once(length, count):
    found = even_slices(3, 3 + length, count)
    assert [i for span in found for i in range(3 + length)[span]] == list(range(3, 3 + length))
    assert len(found) == min(length, count)


def measurements(x, y):
    space = FeatureSpace(x, y, standardize=True, memory=97 << 20)
    return [
        space.neighbours._minima, space.neighbours.nearest.own, space.neighbours.nearest.confusion, *space.neighbours.nearest_distances,
        space.class_means.nearest.own, space.class_means.nearest_leave_one_out.own, space.neighbours.in_order(3).squared_distances,
        space.neighbours.run_lengths, space.standardization.mean, space.standardization.scale, space.class_means.values,
    ]  # fmt: skip


def test_every_number_of_threads_gives_the_same_bits(threads, monkeypatch):
    monkeypatch.setattr("netlab.neighbours.operands.TILE", 96)
    monkeypatch.setattr("netlab.neighbours.operands.CHUNK", 50)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 300)).astype(np.float32)
    x[700:] = x[:800] + rng.integers(0, 2, (800, 1)) * np.float32(1e-6)  # ties, and nearly
    y = rng.integers(0, 40, 1500)
    threads(1)
    expected = measurements(x, y)
    for count in (2, 5):
        threads(count)
        for one, other in zip(expected, measurements(x, y), strict=True):
            assert np.array_equal(one, other)


def test_minima_of_some_strips_merge_to_those_of_all(monkeypatch):
    monkeypatch.setattr("netlab.neighbours.operands.TILE", 40)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(700, 30)), rng.integers(0, 4, 700)
    points = FeatureSpace(x, y)._sets.sorted
    found = strips(points)
    assert sum(strip.pairs for strip in found) == 700 * 701 // 2
    parts = [strip_minima(points, found[i::3]) for i in range(3)]
    assert np.array_equal(np.minimum.reduce(parts), class_minima(points))


def test_minima_of_pairs_of_panels_merge_to_those_of_all(monkeypatch):
    monkeypatch.setattr("netlab.neighbours.operands.TILE", 30)
    rng = np.random.default_rng(0)
    points = sorted_points(rng.normal(size=(250, 20)), rng.integers(0, 4, 250), panel_rows=100)
    found = np.full((250, 4), np.inf, np.float32)
    for i, panel in enumerate(points.panels()):
        for other in points.panels()[i:]:
            left, right = pair_minima(points, panel, other)
            for span, minima in ((panel, left), (other, right)):
                found[slice(*span)] = np.minimum(found[slice(*span)], minima)
    assert np.array_equal(found, class_minima(points))
