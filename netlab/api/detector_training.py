"""Training a detector."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netlab.api.detector import DetectorRun
from netlab.api.installed import choose, installed
from netlab.api.progress import reporter_for
from netlab.runs.sessions import catalog_for


def train_detector(  # noqa: PLR0913 - each is a flag of `netlab detect train`; most lines describe them
    data: str | Path,
    *,
    classes: Sequence[str] = (),
    detector: str | None = None,
    proposer: str | None = None,
    backbone: str | None = None,
    weights: str | Path = "imagenet",
    voc_one_based: bool = False,
    validation: float = 0.2,
    name: str | None = None,
    detectors: str | Path = "detectors",
    cache: str | Path | None = None,
    no_cache: bool = False,
    device: str = "auto",
    quiet: bool = False,
    accept_changed_parts: bool = False,
    **options: Any,
) -> DetectorRun:
    """Train a detector on annotated images, and leave a complete run directory.

    The same call again resumes an unfinished run, or gives the finished one.

    Args:
        data: a folder in Pascal VOC layout, or of images and XML files.
        classes: only objects of these; none named: all.
        detector: what finds objects, and learns to (``netlab.parts("detector")``); None for the default,
            or for ``rcnn`` where a proposer is named.
        proposer: what proposes regions (``netlab.parts("proposer")``); only of detectors that are made of
            regions, as ``rcnn``.
        backbone: the pretrained network that it stands on (``netlab.parts("extractor")``); None for the
            default.
        weights: of the backbone: imagenet (downloaded once), none, or a safetensors or .pth file.
        voc_one_based: corners count from 1 and belong to the box.
        validation: share of the images held out where ``ImageSets`` has no split.
        name: of the run; by default made of the parts, the seed and a hash of the configuration.
        detectors: the folder where detectors are kept.
        cache: where proposals are kept between calls; None: the user's cache folder.
        no_cache: keep no proposals.
        device: auto, cpu, cuda or cuda:N.
        quiet: print nothing.
        accept_changed_parts: go on with a run although the code of its parts has changed; recorded in it.
        options: of the training (``epochs=6``; ``netlab detect train --help`` lists them) and of the parts,
            by their own names, or ``proposer__mode="fast"`` where two have it.

    Raises:
        UsageError: there is no such data, part or option; or a run of that name was begun with other
            settings.

    On the scenes that ``python examples/make_voc_scenes.py scenes --train 4 --val 2`` makes:

    >>> detector = netlab.train_detector(
    ...     "scenes", weights="none", image_side=96, epochs=1, least_steps=2, name="first", quiet=True
    ... )
    >>> detector.class_names, detector.result["validation_images"]
    (('seven', 'three'), 2)
    """
    from netlab.data.cache import default_cache_folder
    from netlab.detection.training.choice import chosen_detector, kinds_of, settings_of
    from netlab.detection.training.experiment import AnnotatedFolder, prepare, run_experiment
    from netlab.training.resume import AlreadyFinishedError, ResumeRules

    own = "classes weights voc_one_based validation name detectors cache no_cache device quiet".split()
    own.append("accept_changed_parts")
    catalog = catalog_for(installed(), detectors, name)
    component = chosen_detector(catalog, detector, proposer)
    named = {"detector": detector or component.name, "proposer": proposer, "extractor": backbone}
    chosen = choose(
        {kind: named[kind] for kind in kinds_of(component)}, options, settings=settings_of(component),
        own=own, catalog=catalog,
    )  # fmt: skip
    names = [classes] if isinstance(classes, str) else list(classes)
    experiment = prepare(
        chosen.parts(),
        chosen.values.get("", {}),
        AnnotatedFolder(Path(data), names, voc_one_based, validation),
        weights=str(weights),
        runs=Path(detectors),
        name=name,
        cache=None if no_cache else Path(cache) if cache is not None else default_cache_folder(),
        device=device,
    )
    with contextlib.suppress(AlreadyFinishedError):
        run_experiment(experiment, installed(), reporter_for(quiet=quiet), ResumeRules(accept_changed_parts))
    return DetectorRun(experiment.run.path, accept_changed_parts=accept_changed_parts)
