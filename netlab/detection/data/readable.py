"""The pixels of annotated images, one after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netlab.data.image_files import RGB, ImageError, read_image
from netlab.detection.data.annotation import AnnotatedImage
from netlab.training.reporter import Reporter


def read_each(images: Iterable[AnnotatedImage], reporter: Reporter) -> Iterator[tuple[AnnotatedImage, RGB]]:
    """Every image that can be read, with its pixels; others are warned of and left out.

    The reporter advances when whoever asked is done with an image.
    """
    for image in images:
        try:
            pixels = read_image(image.path)
        except ImageError as error:
            reporter.warn(str(error))
            continue
        yield image, pixels
        reporter.advance()
