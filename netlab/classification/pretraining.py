"""What a run that starts from pretrained weights needs to know before its data is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.classification.assembly import Tables, backbone_of, choose_components, options_in, table_of
from netlab.engine.catalog import Catalog, Component, Part
from netlab.kinds.backbone import Preprocessing, Pretrained
from netlab.pretrained import pretrained_from


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a user gave, with what pretrained weights ask of the data; and these weights, if there are any."""

    tables: Tables
    pretrained: Pretrained | None = None


def fit_to_weights(catalog: Catalog, given: Tables, *, offline: bool) -> Fitted:
    """The tables with the weights' source, and with the geometry of images that the weights expect where the
    user gave none.

    Raises:
        UsageError: there is no such network.
    """
    component = backbone_of(catalog, given)
    if "pretrained" not in component.spec.tags:
        return Fitted(given)
    training = given.get("training", {})
    weights = absolute(str(training.get("weights") or "imagenet"))
    backbone = Part(component, component.make_options(options_in(table_of(given, "backbone"))))
    pretrained = pretrained_from(backbone, weights=weights, offline=offline)
    dataset = choose_components(catalog, given).components["dataset"]
    data = geometry_options(dataset, table_of(given, "data"), pretrained.preprocessing)
    return Fitted({**given, "data": data, "training": {**training, "weights": weights}}, pretrained)


def absolute(weights: str) -> str:
    """A file's path from the root, so that the run finds it from any folder."""
    return weights if weights in ("imagenet", "none") else str(Path(weights).absolute())


def geometry_options(dataset: Component, table: Mapping[str, Any], expected: Preprocessing) -> dict[str, Any]:
    """The data set's table with the geometry that weights expect; in proportion where ``size`` is another."""
    model = dataset.options_model()
    fields = model.model_fields if model is not None else {}
    if not {"size", "shorter"} <= fields.keys():
        return dict(table)
    usual: dict[str, Any] = {"size": expected.size}
    size = table.get("size")
    side = size if isinstance(size, int) else expected.size
    usual["shorter"] = round(side * expected.shorter / expected.size)
    if "resampling" in fields:
        usual["resampling"] = expected.resampling
    return {**usual, **table}
