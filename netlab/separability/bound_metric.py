"""Metrics bound to their options, by name from the installed plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netlab.kinds.metric import MetricResult
from netlab.separability.metric_results import result_problem
from netlab.separability.space.feature_space import FeatureSpace

if TYPE_CHECKING:
    from netlab.engine.catalog import Catalog, Component


@dataclass(frozen=True, slots=True)
class BoundMetric:
    """A metric bound to its options."""

    name: str
    call: Callable[[FeatureSpace], MetricResult]
    tags: frozenset[str] = frozenset()

    @classmethod
    def of_component(cls, component: Component, options: Any) -> BoundMetric:
        """A component's results are checked as they come: one that breaks the contract raises PluginError."""

        def call(space: FeatureSpace) -> MetricResult:
            result: MetricResult = component.build(space, options=options)
            if problem := result_problem(result, space, component.spec.tags):
                raise component.broke(problem)
            return result

        return cls(component.name, call, component.spec.tags)


def bind_metrics(
    metrics: Sequence[str | BoundMetric] | Mapping[str, Mapping[str, Any]], catalog: Catalog | None = None
) -> list[BoundMetric]:
    """Metrics by name from ``catalog``, by default the installed plugins, with options where given."""
    from netlab.engine.catalog import Catalog
    from netlab.engine.manager import PluginManager

    bound = []
    for metric in metrics:
        if isinstance(metric, BoundMetric):
            bound.append(metric)
            continue
        catalog = catalog or Catalog(PluginManager.from_environment())
        component = catalog.find("metric", metric)
        given = metrics[metric] if isinstance(metrics, Mapping) else {}
        bound.append(BoundMetric.of_component(component, component.make_options(given)))
    return bound
