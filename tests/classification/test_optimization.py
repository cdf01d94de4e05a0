"""Every setting and part of the optimization reaches what it is a setting of."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from netlab.classification.assembly import complete
from netlab.classification.optimization import loss_of, optimization_of
from netlab.engine.catalog import Catalog, Part
from netlab.engine.manager import PluginManager
from netlab.errors import PluginError
from netlab.kinds.recipe import DataFacts
from netlab.training.optimization import Optimization


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """A catalogue of its own: parts are made to fail here, which a manager keeps."""
    return Catalog(PluginManager.from_environment())


def optimization(catalog: Catalog, **given: Any) -> Optimization:
    return optimization_of(complete(catalog, given, DataFacts(100, (32, 32), 2), frozenset()))


def rates(catalog: Catalog, **schedule: object) -> list[float]:
    """The factor at each of 12 steps, in 6 epochs."""
    factor = optimization(catalog, schedule=schedule, training={"epochs": 6}).schedule
    return [factor(step, 12) for step in range(12)]


def test_the_schedule_is_the_one_that_is_named(catalog: Catalog) -> None:
    assert rates(catalog, name="constant") == [1.0] * 12
    drops = rates(catalog, name="step", every=2, gamma=0.5)
    assert drops == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]
    assert rates(catalog, name="one-cycle", warmup=0.5)[:6] == pytest.approx([k / 6 for k in range(1, 7)])
    assert rates(catalog, name="one-cycle", warmup=11 / 12)[-2:] == [1.0, 1.0]  # a fall of a single step


def test_settings_arrive(catalog: Catalog) -> None:
    values = {"epochs": 3, "lr": 0.25, "seed": 7, "weight_decay": 0.01, "clip": 2.0}
    for on in (True, False):
        found = optimization(catalog, training={**values, "compile": on, "deterministic": on})
        assert {name: getattr(found, name) for name in values} == values
        assert (found.compile, found.deterministic) == (on, on)


class Broken:
    """A component that gives something else than its contract says."""

    def __init__(self, catalog: Catalog, kind: str, gives: Any) -> None:
        self.component, self.gives = catalog.default(kind), gives
        self.broke = self.component.broke

    def build(self, *arguments: Any, **keywords: Any) -> Any:
        return self.gives


@pytest.mark.parametrize("factor", [float("nan"), -0.1, float("inf"), "fast"])
def test_a_factor_that_is_none_is_the_schedules_fault(catalog: Catalog, factor: Any) -> None:
    from netlab.classification.optimization import schedule_of

    part: Any = Part(Broken(catalog, "schedule", factor), None)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="schedule 'one-cycle'.* at step 2 of 9"):
        schedule_of(part, 3)(2, 9)


@pytest.mark.parametrize("value", [torch.zeros(3), 0.5])
def test_a_loss_that_is_no_scalar_is_the_losss_fault(catalog: Catalog, value: Any) -> None:
    part: Any = Part(Broken(catalog, "loss", value), None)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="loss 'cross-entropy'.*not a scalar tensor"):
        loss_of(part)(torch.zeros(3, 2), torch.eye(3, 2))
