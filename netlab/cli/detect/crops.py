"""``netlab detect crops``: labelled regions as PNG files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from netlab.cli.core.flags import component_flags
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.selection import choose_parts, read_selectors
from netlab.cli.core.session import Session
from netlab.cli.detect.shared import (
    broken_cache_files_reported,
    cache_folder,
    finish,
    split_names,
    warn,
)
from netlab.errors import UsageError


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the proposer that the command line names."""
    words = read_selectors(session.after_command, ["proposer"])
    part = choose_parts(session.catalog, ("proposer",), words, {})["proposer"]

    def crops(
        values: dict[str, dict[str, Any]],
        voc_dir: Annotated[Path, typer.Argument(help="VOC layout, or a folder of images and XML.")],
        out: Annotated[Path, typer.Option("--out", help="Where the crops go.")],
        classes: Annotated[list[str] | None, typer.Option("--classes", help="Only these: cat,dog.")] = None,
        proposer: Annotated[str, typer.Option("--proposer", help="What proposes regions.")] = part.name,
        limit: Annotated[
            int, typer.Option("--limit", min=1, max=10_000, help="Most proposals an image.")
        ] = 2000,
        long_side: Annotated[
            int, typer.Option("--long-side", min=32, help="Longer side in pixels of the image proposed for.")
        ] = 400,
        most_background: Annotated[
            int, typer.Option("--background", min=0, help="Most background crops of an image.")
        ] = 50,
        seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the ranking and the split.")] = 0,
        one_based: Annotated[
            bool, typer.Option("--voc-one-based", help="Corners count from 1 and belong to the box.")
        ] = False,
        cache: Annotated[
            Path | None, typer.Option("--cache", help="Where proposals are kept between calls.")
        ] = None,
        no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no proposals.")] = False,
    ) -> None:
        """Cut out true boxes and proposals that overlap one by .5 (positive) or .1 to .5 (background).

        Crops of training and validation images go to separate folders: OUT/train/cat, OUT/val/cat.
        """
        import numpy as np
        from rich.console import Console

        from netlab.data.image_files import ImageError, read_image
        from netlab.detection.data.voc import read_voc
        from netlab.detection.model.detector import proposal_source
        from netlab.detection.output.crops import save_crops
        from netlab.detection.training.labels import LabelRule
        from netlab.detection.training.regions import label_image

        if out.exists() and not out.is_dir():
            raise UsageError(f"--out {out} is a file; expected a folder")
        data = read_voc(voc_dir, classes=split_names(classes), one_based=one_based, seed=seed)
        for line in data.problems.lines():
            warn(line)
        source = proposal_source(
            part,
            part.make_options(values.get("proposer", {})),
            limit=limit,
            long_side=long_side,
            min_side=10.0,
            seed=seed,
            cache=cache_folder(cache, no_cache),
        )
        console = Console()
        with TerminalReporter(console) as progress, broken_cache_files_reported():
            for split, images in (("train", data.train), ("val", data.val)):
                counts: Counter[str] = Counter()
                progress.phase(split, len(images))
                for image in images:
                    try:
                        pixels = read_image(image.path)
                    except ImageError as error:
                        progress.warn(str(error))
                        continue
                    labelled = label_image(
                        source(pixels).boxes,
                        image.boxes,
                        image.labels(data.class_names),
                        image.difficult,
                        image.size,
                        rule=LabelRule(),
                        regression_iou=0.5,
                        jitter=0,
                        rng=np.random.default_rng(seed),
                    )
                    counts.update(
                        save_crops(
                            pixels,
                            image.name,
                            labelled.regions,
                            labelled.labels,
                            data.class_names,
                            out / split,
                            most_background=most_background,
                        )
                    )
                    progress.advance()
                written = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
                console.print(f"{out / split}: {written or 'nothing'}", highlight=False, soft_wrap=True)

    return finish(session, crops, component_flags(part), [part])
