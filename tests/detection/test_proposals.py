"""What the core does around every proposer, and the cache of its answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from netlab.data.cache import CacheWarning
from netlab.detection.model.detector import ProposalSource, proposal_source
from netlab.detection.proposals.cache import cached_array, cached_proposals
from netlab.detection.proposals.propose import ProposerSettings, first_proposals, propose
from netlab.engine.catalog import Catalog
from netlab.errors import PluginError
from netlab.kinds.proposer import Proposals

SETTINGS = ProposerSettings("fixed", "tests", "1", {}, long_side=100, min_side=4.0)


def fixed(*boxes: list[float], scores: list[float] | None = None):
    """A proposer that always gives these boxes, and remembers the images it saw."""
    seen: list[tuple[int, ...]] = []

    def proposer(image: np.ndarray, *, limit: int, seed: int, options: object) -> Proposals:
        seen.append(image.shape)
        found = scores if scores is not None else list(range(len(boxes), 0, -1))
        return Proposals(np.array(boxes, np.float32).reshape(-1, 4), np.array(found, np.float32))

    proposer.seen = seen  # type: ignore[attr-defined]
    return proposer


def image(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def test_large_images_are_brought_to_the_long_side_and_boxes_back():
    proposer = fixed([10, 20, 50, 40])
    found = propose(image(100, 200), proposer, None, SETTINGS)
    assert proposer.seen == [(50, 100, 3)]
    assert found.boxes.tolist() == [[20, 40, 100, 80]]


def test_small_images_are_enlarged_three_times_at_most():
    proposer = fixed([0, 0, 30, 60])
    found = propose(image(20, 10), proposer, None, SETTINGS)
    assert proposer.seen == [(60, 30, 3)]
    assert found.boxes.tolist() == [[0, 0, 10, 20]]


def test_boxes_are_clipped_to_the_image():
    found = propose(image(50, 100), fixed([-9, -9, 300, 300]), None, SETTINGS)
    assert found.boxes.tolist() == [[0, 0, 100, 50]]


def test_of_equal_boxes_the_best_stays_and_small_ones_go():
    found = propose(
        image(50, 100), fixed([0, 0, 9, 9], [5, 5, 8, 30], [1, 1, 20, 20], [0, 0, 9, 9]), None, SETTINGS
    )
    assert found.boxes.tolist() == [[0, 0, 9, 9], [1, 1, 20, 20]]
    assert found.scores.tolist() == [4, 2]


@pytest.mark.parametrize(
    ("proposer", "said"),
    [
        (fixed([1, 1, 9, 9], [2, 2, 9, 9], scores=[1, 2]), "best proposals first"),
        (fixed([1, 1, 9, float("nan")]), "not finite"),
        (fixed([1, 1, 9, 9], scores=[1, 0.5]), r"expected \(N, 4\)"),
    ],
)
def test_a_proposer_that_breaks_its_contract_is_named(proposer, said: str):
    with pytest.raises(PluginError, match=said) as caught:
        propose(image(50, 100), proposer, None, SETTINGS)
    assert "'fixed'" in str(caught.value)


def source(catalog: Catalog, limit: int, cache: Path | None = None) -> ProposalSource:
    component = catalog.find("proposer", "selective-search")
    return proposal_source(
        component, component.make_options({}), limit=limit, long_side=100, min_side=5, seed=0, cache=cache
    )


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    from sklearn.datasets import load_sample_image

    return load_sample_image("china.jpg")[100:250:2, 200:400:2]


def test_a_limit_gives_the_first_of_more_after_the_core_too(catalog: Catalog, photograph: np.ndarray):
    everything = source(catalog, 10_000)(photograph)
    assert len(everything) > 40
    few = source(catalog, 25)(photograph)
    assert few.boxes.tobytes() == everything.boxes[:25].tobytes()


def test_cached_proposals_are_the_computed_ones(catalog: Catalog, photograph: np.ndarray, tmp_path: Path):
    first = source(catalog, 50, tmp_path)(photograph)
    (file,) = tmp_path.rglob("*.npz")
    written = file.stat().st_mtime_ns
    for limit in (50, 10):
        again = source(catalog, limit, tmp_path)(photograph)
        assert again.boxes.tobytes() == first.boxes[:limit].tobytes()
    assert file.stat().st_mtime_ns == written
    assert source(catalog, 50)(photograph).boxes.tobytes() == first.boxes.tobytes()


def answer(value: float = 1.0) -> Proposals:
    return Proposals(np.full((2, 4), value, np.float32), np.array([1, 0.5], np.float32))


def refuse() -> Proposals:
    raise AssertionError("it was computed again")


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "b"},
        {"version": "2"},
        {"options": {"k": 1}},
        {"seed": 1},
        {"long_side": 50},
        {"distribution": "x"},
    ],
)
def test_another_proposer_version_option_or_seed_is_computed_anew(tmp_path: Path, changed: dict[str, object]):
    pixels = image(5, 5)
    cached_proposals(tmp_path, pixels, SETTINGS.as_dict(), answer)
    other = dataclasses.replace(SETTINGS, **changed)
    found = cached_proposals(tmp_path, pixels, other.as_dict(), lambda: answer(2.0))
    assert found.boxes[0, 0] == 2
    assert cached_proposals(tmp_path, pixels, SETTINGS.as_dict(), refuse).boxes[0, 0] == 1


def test_another_image_is_computed_anew(tmp_path: Path):
    cached_proposals(tmp_path, image(5, 5), SETTINGS.as_dict(), answer)
    one = image(5, 5)
    one[0, 0, 0] = 1
    assert cached_proposals(tmp_path, one, SETTINGS.as_dict(), lambda: answer(2.0)).boxes[0, 0] == 2
    assert cached_proposals(tmp_path, image(1, 25), SETTINGS.as_dict(), lambda: answer(3.0)).boxes[0, 0] == 3


def break_file(path: Path, how: str) -> None:
    if how == "cut":
        path.write_bytes(path.read_bytes()[:60])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "pickle":
        np.savez(path, boxes=np.array([{"a": 1}], object), scores=np.zeros(1))
    else:
        np.savez(path, boxes=np.zeros((3, 5), np.float32), scores=np.zeros(3, np.float32))


@pytest.mark.parametrize("how", ["cut", "empty", "pickle", "other arrays"])
def test_a_broken_cache_file_is_computed_again_with_a_warning(tmp_path: Path, how: str):
    pixels = image(5, 5)
    cached_proposals(tmp_path, pixels, SETTINGS.as_dict(), answer)
    (file,) = tmp_path.rglob("*.npz")
    break_file(file, how)
    with pytest.warns(CacheWarning, match=file.name):
        found = cached_proposals(tmp_path, pixels, SETTINGS.as_dict(), lambda: answer(2.0))
    assert found.boxes[0, 0] == 2
    assert cached_proposals(tmp_path, pixels, SETTINGS.as_dict(), refuse).boxes[0, 0] == 2


def test_cached_arrays_of_another_shape_are_computed_again(tmp_path: Path):
    cached_array(tmp_path, "ab12", (2, 3), lambda: np.ones((2, 3), np.float16))
    found = cached_array(tmp_path, "ab12", (2, 3), lambda: np.zeros((2, 3), np.float16))
    assert found.sum() == 6
    with pytest.warns(CacheWarning):
        assert cached_array(tmp_path, "ab12", (1, 3), lambda: np.zeros((1, 3), np.float16)).sum() == 0


def test_first_proposals_are_the_best():
    assert len(first_proposals(answer(), 1)) == 1
