"""From a data set and chosen parts to a finished detector in a run directory."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import tomli_w
import torch

from netlab.detection.evaluation.average_precision import DetectionResult, Truth, evaluate
from netlab.detection.evaluation.validation import detect_all, thresholds, validation_ap
from netlab.detection.model.detect import Detections
from netlab.detection.model.detector import Detector
from netlab.detection.model.head import DetectionHead
from netlab.detection.model.model_file import save_detector
from netlab.detection.training.described import describe_all
from netlab.detection.training.head_training import Row, TrainingState, inverse_frequency_weights, train_head
from netlab.detection.training.plan import DetectionPlan, Reporter, split_record
from netlab.detection.training.regions import RegionSet
from netlab.errors import NetlabError, UsageError
from netlab.runs.files import write_json, write_text


def train_detector(plan: DetectionPlan, reporter: Reporter) -> dict[str, Any]:
    """Train (or go on with) a detector and complete its run directory. Gives what ``result.json`` holds.

    Raises:
        UsageError: the run is finished or was begun with other settings, or nothing can be learnt.
    """
    run = plan.run
    with run.locked():
        _check_resumable(plan)
        run.create()
        write_text(run.config, tomli_w.dumps(plan.config()))
        write_json(run.environment, plan.environment)
        write_json(run.path / "split.json", split_record(plan))
        detector, state = _train(plan, reporter)
        detections, truths = detect_all(detector, plan.data.val, plan.device, reporter)
        if not truths:
            reporter.warn("there are no validation images: the confidence threshold stays at .5")
        confidence = thresholds(detections, truths, plan.data.class_names)
        detector = detector.with_rule(confidence=confidence)
        result = evaluate(detections, truths, plan.data.class_names)
        save_detector(detector, run.path)
        _plot(plan, state, detections, truths)
        summary = _result(plan, state, result, confidence)
        write_json(run.result, summary)
        shutil.rmtree(run.path / "features", ignore_errors=True)
    return summary


def _check_resumable(plan: DetectionPlan) -> None:
    run = plan.run
    if not run.exists:
        return
    try:
        old = tomllib.loads(run.config.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetlabError(f"{run.config} is damaged: {error}") from None
    new = tomllib.loads(tomli_w.dumps(plan.config()))
    changed = [
        f"{table}.{key}: {old.get(table, {}).get(key, 'absent')} -> {new[table].get(key, 'absent')}"
        for table in new
        for key in sorted(new[table].keys() | old.get(table, {}).keys())
        if old.get(table, {}).get(key) != new[table].get(key)
    ]
    if changed:
        raise UsageError(
            f"run '{run.name}' was begun with other settings ({'; '.join(changed)}):"
            " use another --name, or delete its directory"
        )
    if run.is_finished:
        raise UsageError(f"run '{run.name}' is finished, in {run.path}: use another --name or --seed")


def _train(plan: DetectionPlan, reporter: Reporter) -> tuple[Detector, TrainingState]:
    settings, names = plan.settings, plan.data.class_names
    described = describe_all(plan, plan.data.train, reporter, training=True)
    if not described:
        raise UsageError("no training image can be read")
    sides = 2 if settings.flips else 1
    regions = RegionSet(
        [image.labelled for image in described for _ in range(sides)],
        [features for image in described for features in image.features],
        [bool(side) for _ in described for side in range(sides)],
    )
    validation = describe_all(plan, plan.data.val, reporter, training=False)
    head = DetectionHead(
        plan.backbone.dimension, len(names), hidden=settings.hidden, dropout=settings.dropout
    )
    torch.manual_seed(settings.seed)
    head.initialize()
    detector = Detector(names, plan.source, plan.backbone, head, plan.rule)
    weights = None
    if settings.class_weights == "inverse":
        by_name = inverse_frequency_weights(regions.labels, list(names))
        weights = torch.tensor([by_name[name] for name in ("background", *names)])

    def epoch_ended(row: Row) -> None:
        reporter.epoch(row, settings.epochs)
        reporter.advance()

    reporter.phase("training", settings.epochs)
    state = train_head(
        regions,
        head,
        settings,
        class_weights=weights,
        validate=lambda trained: validation_ap(trained, validation, plan),
        checkpoint=plan.run.last_checkpoint,
        history=plan.run.history,
        on_epoch=epoch_ended,
    )
    return detector, state


def _plot(
    plan: DetectionPlan, state: TrainingState, detections: Sequence[Detections], truths: Sequence[Truth]
) -> None:
    from netlab.detection.evaluation.curve_table import write_curves
    from netlab.detection.evaluation.plots import plot_precision_recall, plot_training

    plot_training(state.history, plan.run.plots, title=plan.run.name)
    if truths:
        plot_precision_recall(detections, truths, plan.data.class_names, plan.run.plots)
        write_curves(detections, truths, plan.data.class_names, plan.run.plots)


def _result(
    plan: DetectionPlan, state: TrainingState, result: DetectionResult, confidence: Mapping[int, float]
) -> dict[str, Any]:
    names = plan.data.class_names
    return {
        **result.as_dict(),
        "confidence": {name: confidence[label] for label, name in enumerate(names, start=1)},
        "class_names": list(names),
        "training_images": len(plan.data.train),
        "validation_images": len(plan.data.val),
        "epochs": state.epoch,
        "hard_negatives": len(state.hard),
        "seconds": sum(row["seconds"] for row in state.history),
    }
