"""From a run to a file of its network, which gets its name once it has been compared with the network."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from netlab import __version__
from netlab.classification.classifier import Classifier, load_classifier
from netlab.data.given_images import given_images
from netlab.errors import NetlabError, UsageError, closest
from netlab.export.formats import FORMATS, Format, Pixels, Probabilities, reason_of
from netlab.export.standalone import Standalone, description
from netlab.files import write_output_bytes
from netlab.runs.directory import RunDirectory

if TYPE_CHECKING:
    from netlab.classification.restore import LoadedRun
    from netlab.engine.binding import Accept
    from netlab.engine.catalog import Catalog

COMPARED = 64  # images, at most
BATCH = 16
# Another order of the same float32 sums changed probabilities by 1e-6; a wrong resizing, norm or mean by .01.
TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written: by how much its probabilities differ from the network's on ``images`` images,
    at most, and of how many the likeliest class is the same. ``accuracy`` are those of the network and of the
    file on the run's test images, where these were counted."""

    path: Path
    format: str
    bytes: int
    images: int
    difference: float
    same_class: int
    int8: bool = False
    accuracy: tuple[float, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is wanted: ``to`` is onnx, pt2 or None for what the ending of ``path`` says; ``images`` are those
    to compare on, instead of the run's test images."""

    path: Path
    to: str | None = None
    int8: bool = False
    images: Sequence[str] = ()
    data_dir: Path | None = None

    @property
    def format(self) -> Format:
        """
        Raises:
            UsageError: there is no such format, or the ending is another's, or it has no int8.
        """
        name = self.to or self.path.suffix.removeprefix(".")
        if name not in FORMATS:
            raise UsageError(
                f"{self.path if self.to is None else name!r}: networks are exported to"
                f" {' or '.join(FORMATS)}.{closest(name, FORMATS)}"
            )
        found = FORMATS[name]
        if self.path.suffix != found.suffix:
            raise UsageError(f"{self.path}: a file of {found.title} ends in {found.suffix}")
        if self.int8 and name != "onnx":
            raise UsageError("--int8 is for --to onnx")
        return found


def export_run(
    run: RunDirectory, catalog: Catalog, request: ExportRequest, *, accept_changed: Accept = None
) -> Exported:
    """Write the network of a run, with its best weights, normalization and classes.

    Raises:
        UsageError: the request does not fit together, or there are no images to compare on.
        NetlabError: the format can not express the network, or the file gives other probabilities: nothing is
            written then.
    """
    chosen = request.format
    if not request.path.parent.is_dir():
        raise UsageError(f"there is no folder {request.path.parent}")
    classifier = load_classifier(run, catalog, device=torch.device("cpu"), accept_changed=accept_changed)
    data = None if request.images and not request.int8 else own_data(run, catalog, request)
    images = images_to_compare(classifier, request, data)
    about = description(classifier.interface, run.name, __version__)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / f"whole{chosen.suffix}"
        network = Standalone(classifier).eval()
        try:
            chosen.write(network, torch.from_numpy(images[:2]), about, whole)
        except (NetlabError, MemoryError, OSError):
            raise
        except Exception as error:  # exporters raise whatever they like
            raise NetlabError(
                f"{chosen.title} can not express the network of run '{run.name}': {reason_of(error)}"
            ) from error
        expected = outputs_of_classifier(classifier, images)
        found = outputs_of(whole, chosen, images)
        check_same(expected, found, chosen)
        written, accuracy = whole, None
        if request.int8:
            assert data is not None
            written = Path(folder) / f"int8{chosen.suffix}"
            accuracy = quantized(whole, written, chosen, data, about)
            found = outputs_of(written, chosen, images)
        exported = Exported(
            path=request.path,
            format=chosen.name,
            bytes=written.stat().st_size,
            images=len(images),
            difference=float(np.abs(expected - found).max()),
            same_class=int((expected.argmax(1) == found.argmax(1)).sum()),
            int8=request.int8,
            accuracy=accuracy,
        )
        with written.open("rb") as content:
            write_output_bytes(request.path, content)
    return exported


def own_data(run: RunDirectory, catalog: Catalog, request: ExportRequest) -> LoadedRun:
    """The run with the data that it was trained on.

    Raises:
        UsageError: the data is not there, or has changed.
    """
    from netlab.classification.restore import load_run

    try:
        return load_run(run, catalog, data_dir=request.data_dir)
    except NetlabError as error:
        way = "--int8 needs it" if request.int8 else "--images FOLDER compares on others"
        raise UsageError(f"{error}; {way}") from None


def images_to_compare(classifier: Classifier, request: ExportRequest, data: LoadedRun | None) -> Pixels:
    """uint8 (N, C, height, width): the images that were named, else the first test images."""
    if request.images:
        fitted: list[Tensor] = []
        for _, pixels in given_images(list(request.images)):
            fitted.append(classifier.fit(pixels))
            if len(fitted) == COMPARED:
                break
        images = torch.stack(fitted)
    else:
        assert data is not None
        images = data.splits.test.images[:COMPARED]
    if len(images) == 1:  # exporters take what is 1 in the example for fixed
        images = images.repeat(2, 1, 1, 1)
    return np.ascontiguousarray(images.numpy())


def outputs_of_classifier(classifier: Classifier, images: Pixels) -> Probabilities:
    """What netlab says of the images."""
    batches = torch.from_numpy(images).split(BATCH)
    return np.concatenate([classifier(batch).numpy() for batch in batches])


def outputs_of(path: Path, written: Format, images: Pixels) -> Probabilities:
    """What a file says of the images: the first alone, the others in batches of another size."""
    run = written.read(path)
    return np.concatenate([run(images[:1]), *(run(part) for part in batches_of(images[1:]))])


def batches_of(images: Pixels) -> list[Pixels]:
    """The images in batches of at most ``BATCH``."""
    return [images[start : start + BATCH] for start in range(0, len(images), BATCH)]


def check_same(expected: Probabilities, found: Probabilities, written: Format) -> None:
    """
    Raises:
        NetlabError: probabilities differ by more than ``TOLERANCE``.
    """
    difference = float(np.abs(expected - found).max())
    if not difference <= TOLERANCE:
        raise NetlabError(
            f"in {written.title} the network says something else: probabilities differ by {difference:.2g}"
            f" (at most {TOLERANCE:g} is let pass); nothing was written"
        )


def quantized(
    whole: Path, path: Path, written: Format, data: LoadedRun, about: dict[str, Any]
) -> tuple[float, float]:
    """Write the int8 file, calibrated on training images: the accuracy of both files on the test images."""
    from netlab.export.int8 import CALIBRATED_ON, quantize

    train = data.splits.train.images
    # Evenly over the training images, which may stand in the order of their classes.
    places = torch.linspace(0, len(train) - 1, min(CALIBRATED_ON, len(train))).long()
    quantize(whole, path, np.ascontiguousarray(train[places].numpy()), {**about, "int8": True})
    test, labels = data.splits.test.images.numpy(), data.splits.test.labels.numpy()
    before, after = (
        float((outputs_of(file, written, test).argmax(1) == labels).mean()) for file in (whole, path)
    )
    return before, after
