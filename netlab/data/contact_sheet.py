"""Some images of every class as one picture."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from netlab.data.image_files import ImageError, read_image
from netlab.files import write_output_bytes
from netlab.kinds.dataset import ImageFiles
from netlab.visible import visible

SIDE = 112  # pixels of an image
ACROSS = 8
MOST_CLASSES = 40
GAP, TITLE = 6, 18


def write_contact_sheet(path: Path, files: ImageFiles) -> None:
    """A PNG with a row a class: its name, and ``ACROSS`` of its training images, evenly over their order.

    Raises:
        OSError: the file can not be written.
    """
    names = files.class_names[:MOST_CLASSES]
    row_height = TITLE + SIDE + GAP
    sheet = Image.new("RGB", (ACROSS * (SIDE + GAP) + GAP, len(names) * row_height + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for row, name in enumerate(names):
        top = GAP + row * row_height
        of_class = [
            file for file, label in zip(files.train.paths, files.train.labels, strict=True) if label == row
        ]
        draw.text((GAP, top), f"{visible(name)} ({len(of_class):,})", fill="black", font=font)
        count = min(ACROSS, len(of_class))
        for column in range(count):
            try:
                image = Image.fromarray(read_image(of_class[column * len(of_class) // count]))
            except (ImageError, OSError):
                continue
            image.thumbnail((SIDE, SIDE))
            left = GAP + column * (SIDE + GAP) + (SIDE - image.width) // 2
            sheet.paste(image, (left, top + TITLE + (SIDE - image.height) // 2))
    content = io.BytesIO()
    sheet.save(content, "png")
    content.seek(0)
    write_output_bytes(path, content)
