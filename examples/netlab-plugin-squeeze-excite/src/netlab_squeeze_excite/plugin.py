"""Declares the block 'squeeze-excite' and a metric. Every netlab command imports this file: nothing heavy."""

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
        tags=frozenset({"range:0:1"}),
    )
