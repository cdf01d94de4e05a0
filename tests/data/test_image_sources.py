"""Image sources: what is found, in which order, and what happens to files that can not be read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from netlab.data.image_sources import count_images, find_files, read_sources
from netlab.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a.jpg", "notes.txt", "deep/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "x.png"), np.full((4, 5, 3), 9, np.uint8))
        (tmp_path / "x.png").rename(tmp_path / name)
    return tmp_path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 24))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no video")
    for level in range(0, 200, 20):
        writer.write(np.full((24, 32, 3), (level, 0, 0), np.uint8))
    writer.release()
    return path


def names(*sources: object) -> list[str]:
    return [path.name for path in find_files([str(source) for source in sources])]


def test_a_folder_gives_all_its_images_in_order(folder: Path):
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "d.png").write_bytes((folder / "b.png").read_bytes())
    (folder / "loop").symlink_to(folder)
    assert names(folder) == ["a.jpg", "b.png", "c.png"]


def test_a_source_that_names_nothing_is_told_and_the_rest_goes_on(folder: Path):
    told: list[str] = []
    sources = [str(folder / name) for name in ("gone.png", "b.png", "notes.txt", "*.gone")]
    assert [path.name for path in find_files(sources, report=told.append)] == ["b.png"]
    assert len(told) == 3
    with pytest.raises(UsageError, match=r"notes\.txt"):
        find_files([sources[0], sources[2]], report=told.append)


def test_globs_reach_into_folders_and_files_come_once(folder: Path):
    assert names(folder / "b.png", folder / "**" / "*.png") == ["b.png", "c.png"]


@pytest.mark.parametrize("source", ["gone.png", "*.gone", "notes.txt"])
def test_a_source_that_names_no_image_is_an_error(folder: Path, source: str):
    with pytest.raises(UsageError, match=source.replace("*", r"\*")):
        find_files([str(folder / source)])


def test_equal_names_stay_apart(folder: Path):
    (folder / "deep" / "a.jpg").write_bytes((folder / "a.jpg").read_bytes())
    (folder / "a.png").write_bytes((folder / "b.png").read_bytes())
    files = find_files([str(folder)])
    found = [image.name for image in read_sources(files)]
    assert len(set(found)) == len(found) == 5


def test_an_unreadable_image_is_reported_and_the_rest_goes_on(folder: Path):
    (folder / "a.jpg").write_bytes(b"\xff\xd8nothing")
    first, second, _ = read_sources(find_files([str(folder)]))
    assert first.pixels is None
    assert "a.jpg" in str(first.error)
    assert second.pixels is not None


def test_frames_of_a_video_are_rgb_and_numbered(video: Path):
    frames = list(read_sources([video]))
    assert [frame.frame for frame in frames] == list(range(10))
    assert frames[3].name == "film_000003"
    assert frames[9].pixels is not None
    assert abs(int(frames[9].pixels[..., 2].mean()) - 180) < 12  # blue was written, as BGR
    assert frames[9].pixels[..., 0].mean() < 12
    assert count_images([video]) == 10


def test_every_nth_frame(video: Path):
    assert [frame.frame for frame in read_sources([video], every=4)] == [0, 4, 8]


def test_a_video_that_ends_early_gives_its_frames_and_an_error(video: Path):
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    frames = list(read_sources([video]))
    assert sum(frame.pixels is not None for frame in frames) < 10
    assert "film.avi" in str(frames[-1].error)


def test_sources_are_read_only_when_asked_for(folder: Path):
    images = read_sources(find_files([str(folder)]))
    (folder / "b.png").unlink()
    assert next(images).pixels is not None
    assert "b.png" in str(next(images).error)
