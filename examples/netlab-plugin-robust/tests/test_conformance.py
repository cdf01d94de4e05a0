"""The conformance kit of netlab, run on this package's parts."""

from netlab.testing import parametrize_checks


@parametrize_checks(distribution="netlab-plugin-robust")
def test_conformance(check):
    check()
