"""The conformance kit of netlab, run on this package's parts."""

from netlab.testing import parametrize_checks


@parametrize_checks(distribution="netlab-plugin-timm")
def test_conformance(check):
    check()


@parametrize_checks(
    distribution="netlab-plugin-timm", kind="backbone", options={"timm": {"variant": "mobilenetv3_small_050"}}
)
def test_a_mobile_backbone(check):
    check()


@parametrize_checks(
    distribution="netlab-plugin-timm", kind="extractor", options={"timm": {"variant": "convnext_atto"}}
)
def test_a_convnext_extractor(check):
    check()
