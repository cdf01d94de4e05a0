"""What each layer adds to separability, and which add nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from netlab.comparison.assemblies import Assembly
from netlab.comparison.statistics import corrected, paired_difference
from netlab.runs.record import Repetition


@dataclass(frozen=True, slots=True)
class LayerGain:
    """The change of a metric from the layer before, the mean over seeds.

    ``is_candidate``: it does not raise the metric, on the mean, so the layer is a candidate for removal.
    ``certain``: the 95 % interval of the change over seeds, of all layers of ``layer_gains`` together, does
    not hold zero.
    """

    name: str
    value: float
    gain: float
    certain: bool

    @property
    def is_candidate(self) -> bool:
        return self.gain <= 0


def layer_gains(assembly: Assembly, metric: str = "si", split: str = "test") -> list[LayerGain]:
    """The gain of every layer but the first, in the order of execution."""
    by_layer: dict[str, dict[Repetition, float]] = {}
    for repetition, run in assembly.runs.items():
        for row in run.separability:
            if row["metric"] == metric and row["split"] == split and row["value"] is not None:
                by_layer.setdefault(row["layer"], {})[repetition] = row["value"]
    layers = list(by_layer.items())
    differences = corrected(
        [paired_difference(values, before) for (_, before), (_, values) in pairwise(layers)]
    )
    return [
        LayerGain(
            name,
            float(np.mean(list(values.values()))),
            difference.mean,
            difference.verdict in ("higher", "lower"),
        )
        for (name, values), difference in zip(layers[1:], differences, strict=True)
        if difference.n
    ]
