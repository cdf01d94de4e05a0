"""Every declared metric can be loaded and says what it is."""

from __future__ import annotations

import pytest
from netlab_builtin.metrics.plugin import netlab_components

from netlab.specs import load_target

SPECS = {spec.name: spec for spec in netlab_components()}


@pytest.mark.parametrize("name", SPECS)
def test_docstring_gives_formula_range_ties_and_source(name):
    text = load_target(SPECS[name].target).__doc__
    for word in ("Formula:", "Range:", "Ties:", "Source:"):
        assert word in text, f"{name} does not say its {word}"


@pytest.mark.parametrize("name", SPECS)
def test_options_have_defaults(name):
    if SPECS[name].options:
        load_target(SPECS[name].options)()


def test_the_metrics_of_the_specification_are_there():
    neighbours = (
        "si csi csi-loo high-order-si soft-si anti-si data-score cross-si cross-csi margin n2 confusion"
    )
    classes = "silhouette davies-bouldin calinski-harabasz fisher nc1 linear-probe"
    others = "linear-cka intrinsic-dimension smi feature-ranking"
    expected = f"{neighbours} {classes} {others}"
    assert set(SPECS) == set(expected.split())
