"""The conformance kit: what netlab expects of a component, as checks that a plugin's author runs.

A whole test file of a plugin::

    from netlab.testing import parametrize_checks

    @parametrize_checks(distribution="netlab-plugin-squeeze-excite")
    def test_conformance(check):
        check()

``netlab plugins check`` runs the same checks without a test file. For tests of one's own of a metric,
``FeatureSpace(features, labels)`` is what a metric is given. This package is light: what a kind's
checks need (torch, numpy) is imported with them. A tracker is called as netlab does it by
``call_hooks(manager, "netlab_run_finished", run=run)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netlab.testing.checks import (
    Check,
    ConformanceError,
    NotApplicable,
    Subject,
    component_checks,
    make_subject,
)
from netlab.testing.parametrize import BoundCheck, bound_checks, parametrize_checks

if TYPE_CHECKING:
    from netlab.engine.hooks import call_hooks
    from netlab.separability.space.feature_space import FeatureSpace

__all__ = [
    "BoundCheck",
    "Check",
    "ConformanceError",
    "FeatureSpace",
    "NotApplicable",
    "Subject",
    "bound_checks",
    "call_hooks",
    "component_checks",
    "make_subject",
    "parametrize_checks",
]


def __getattr__(name: str) -> Any:
    if name == "FeatureSpace":  # needs PyTorch
        from netlab.separability.space.feature_space import FeatureSpace

        return FeatureSpace
    if name == "call_hooks":  # needs pydantic
        from netlab.engine.hooks import call_hooks

        return call_hooks
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
