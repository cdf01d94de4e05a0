"""Pascal VOC annotations: one XML file, its objects and its image.

Nothing in an annotation is trusted: entities are refused (defusedxml), sizes are capped, a file name
may not lead out of the data set, and a bad file or box is left out and counted, by name, rather than
stopping half-way.
"""

from __future__ import annotations

import math
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import numpy as np
from defusedxml import DefusedXmlException
from numpy.typing import NDArray

from netlab.data.image_files import SUFFIXES, ImageError, image_size
from netlab.errors import NetlabError

LARGEST_XML = 8_000_000  # bytes
MOST_OBJECTS = 100_000


class AnnotationError(NetlabError):
    """An annotation that can not be used; the message names the file."""


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """An image and its true boxes.

    ``boxes`` float32 (n, 4) xyxy half-open; ``names`` the class of each; ``difficult`` bool (n,).
    ``size`` is (width, height) of the upright image.
    """

    name: str
    path: Path
    size: tuple[int, int]
    boxes: NDArray[np.float32]
    names: tuple[str, ...]
    difficult: NDArray[np.bool_]

    def labels(self, class_names: Sequence[str]) -> NDArray[np.int64]:
        """The classes as int64 (n,), 1 for the first of ``class_names``."""
        return np.array([class_names.index(name) + 1 for name in self.names], np.int64)


@dataclass(slots=True)
class Problems:
    """What was left out or mended while reading, by kind: file names."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, file: str) -> None:
        self.found.setdefault(kind, []).append(file)

    def lines(self) -> list[str]:
        """One warning a kind, with its number and up to three file names."""
        return [
            f"{kind}: {len(files)} ({', '.join(files[:3])}{', ...' if len(files) > 3 else ''})"
            for kind, files in sorted(self.found.items())
        ]


def read_annotation(path: Path, *, one_based: bool, problems: Problems) -> tuple[Element, list[_Object]]:
    """The root and the objects of one XML file, boxes as written but for ``one_based``.

    Raises:
        AnnotationError: it is missing, too large, not XML, declares entities, or is no annotation.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe, from which nothing ever comes
            raise AnnotationError(f"{path} is no file")
        if status.st_size > LARGEST_XML:
            raise AnnotationError(f"{path} is over {LARGEST_XML // 1_000_000} MB")
        root = defusedxml.ElementTree.parse(path, forbid_dtd=False).getroot()
    except FileNotFoundError:
        raise AnnotationError(f"there is no annotation {path}") from None
    except DefusedXmlException:
        raise AnnotationError(f"{path} declares XML entities, which are refused") from None
    except OSError as error:  # no permission, a loop of links
        raise AnnotationError(f"{path} can not be read: {error.strerror or error}") from None
    except (ParseError, UnicodeDecodeError, ValueError, LookupError) as error:
        raise AnnotationError(f"{path} is not valid XML: {error}") from None
    if root is None or root.tag != "annotation":
        raise AnnotationError(f"{path} is not a Pascal VOC annotation: its root is not <annotation>")
    objects = []
    for element in root.findall("object")[:MOST_OBJECTS]:
        found = _read_object(element, one_based)
        if isinstance(found, str):
            problems.add(found, path.name)
        else:
            objects.append(found)
    return root, objects


@dataclass(frozen=True, slots=True)
class _Object:
    name: str
    box: tuple[float, float, float, float]
    difficult: bool


def _read_object(element: Element, one_based: bool) -> _Object | str:
    """The object, or what is wrong with it."""
    name = (element.findtext("name") or "").strip()
    if not name:
        return "objects without a name left out"
    try:
        corners = [float(element.findtext(f"bndbox/{key}") or "") for key in ("xmin", "ymin", "xmax", "ymax")]
    except ValueError:
        return "objects without four numbers for a box left out"
    if not all(map(math.isfinite, corners)):
        return "objects without four numbers for a box left out"
    x1, y1, x2, y2 = corners
    if one_based:  # 1-based and inclusive: the first pixel is 1, and the last belongs to the box
        x1, y1 = x1 - 1, y1 - 1
    if x2 <= x1 or y2 <= y1:
        return "objects with an empty or inverted box left out"
    return _Object(name, (x1, y1, x2, y2), (element.findtext("difficult") or "0").strip() not in ("", "0"))


def read_annotated_image(
    xml: Path, image_folder: Path, *, one_based: bool, problems: Problems
) -> AnnotatedImage | None:
    """An annotation with its image, boxes clipped to it; None, and a problem, if it can not be used."""
    try:
        root, objects = read_annotation(xml, one_based=one_based, problems=problems)
        path = _find_image(root, xml, image_folder, problems)
        width, height = image_size(path)
    except AnnotationError as error:
        problems.add(f"annotations left out: {str(error).replace(f'{xml} ', '')}", xml.name)
        return None
    except ImageError as error:
        problems.add("annotations left out, their image is missing or damaged", f"{xml.name}: {error}")
        return None
    written = _written_size(root) or (width, height)
    if written == (height, width) != (width, height):
        problems.add("annotations left out, made for the image before it is turned upright", xml.name)
        return None
    scale = scale_between(written, (width, height))
    if scale is None:
        problems.add("annotations left out, their <size> has another shape than the image", xml.name)
        return None
    if written != (width, height):
        problems.add("boxes scaled, since <size> is that of a larger or smaller copy of the image", xml.name)
    boxes, names, difficult = [], [], []
    for item in objects:
        x1, y1, x2, y2 = (scale[i % 2] * corner for i, corner in enumerate(item.box))
        clipped = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
        if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
            problems.add("objects outside the image left out", xml.name)
            continue
        if max(abs(a - b) for a, b in zip(clipped, (x1, y1, x2, y2), strict=True)) > 1.0:
            problems.add("boxes cut to the image", xml.name)
        boxes.append(clipped)
        names.append(item.name)
        difficult.append(item.difficult)
    return AnnotatedImage(
        name=xml.stem,
        path=path,
        size=(width, height),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        names=tuple(names),
        difficult=np.array(difficult, bool),
    )


def scale_between(written: tuple[int, int], real: tuple[int, int]) -> tuple[float, float] | None:
    """By what boxes of an image of one (width, height) are multiplied for a copy of another; None where one
    side is scaled otherwise than the other by more than the rounding of a side to whole pixels."""
    x, y = real[0] / written[0], real[1] / written[1]
    if abs(real[0] - written[0] * y) > max(1.0, y) and abs(real[1] - written[1] * x) > max(1.0, x):
        return None
    return x, y


def _written_size(root: Element) -> tuple[int, int] | None:
    try:
        width, height = (int(float(root.findtext(f"size/{key}") or "")) for key in ("width", "height"))
    except (ValueError, OverflowError):
        return None
    return (width, height) if width > 0 and height > 0 else None


def _find_image(root: Element, xml: Path, folder: Path, problems: Problems) -> Path:
    """The image that ``<filename>`` names inside ``folder``, else the one named as the XML is."""
    written = (root.findtext("filename") or "").strip()
    if written:
        if "/" in written or "\\" in written or written in (".", "..") or "\0" in written:
            problems.add("annotations whose <filename> is a path, which is not followed", xml.name)
        elif Path(written).suffix.lower() in SUFFIXES and (folder / written).is_file():
            return folder / written
    for suffix in sorted(SUFFIXES):
        for spelling in (suffix, suffix.upper()):
            if (folder / (xml.stem + spelling)).is_file():
                return folder / (xml.stem + spelling)
    raise ImageError(f"no image {written or xml.stem + '.*'} in {folder}")
