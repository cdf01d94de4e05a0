"""The conformance kit: what netlab expects of a component, as checks that a plugin's author runs.

A whole test file of a plugin::

    from netlab.testing import parametrize_checks

    @parametrize_checks(distribution="netlab-plugin-squeeze-excite")
    def test_conformance(check):
        check()

``netlab plugins check`` runs the same checks without a test file. This package is light: what a kind's
checks need (torch, numpy) is imported with them.
"""

from netlab.testing.checks import (
    Check,
    ConformanceError,
    NotApplicable,
    Subject,
    component_checks,
    make_subject,
)
from netlab.testing.parametrize import BoundCheck, bound_checks, parametrize_checks

__all__ = [
    "BoundCheck",
    "Check",
    "ConformanceError",
    "NotApplicable",
    "Subject",
    "bound_checks",
    "component_checks",
    "make_subject",
    "parametrize_checks",
]
