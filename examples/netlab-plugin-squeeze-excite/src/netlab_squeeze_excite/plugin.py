"""Declares the block 'squeeze-excite', a metric and a section of the report.

netlab imports this file to list what is there: nothing heavy in it.
"""

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components():
    yield ComponentSpec(
        kind="block",
        name="squeeze-excite",
        summary="A residual block that weighs its channels",
        target="netlab_squeeze_excite.squeeze_excite:SqueezeExciteBlock",
        options="netlab_squeeze_excite.options:SqueezeExciteOptions",
        reference="Hu, Shen and Sun, Squeeze-and-Excitation Networks, CVPR 2018",
        tags=frozenset({"stride"}),
    )
    yield ComponentSpec(
        kind="metric",
        name="variance-ratio",
        summary="Share of the variance that lies between the classes",
        target="netlab_squeeze_excite.variance_ratio:variance_ratio",
        tags=frozenset({"range:0:1", "better:higher"}),
    )


@hookimpl
def netlab_settings():
    return "netlab_squeeze_excite.options:ReportSettings"


@hookimpl
def netlab_report_sections(runs, settings):
    from netlab_squeeze_excite.report import gate_section

    return gate_section(runs, closed=settings.closed)
