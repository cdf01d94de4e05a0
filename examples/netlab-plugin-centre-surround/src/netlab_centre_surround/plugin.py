"""Declares the proposer 'centre-surround'.

netlab imports this file to list what is there: it imports nothing heavy.
"""

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components():
    yield ComponentSpec(
        kind="proposer",
        name="centre-surround",
        summary="Windows whose colours differ from those around them",
        target="netlab_centre_surround.centre_surround:centre_surround",
        options="netlab_centre_surround.options:CentreSurroundOptions",
        reference="Alexe, Deselaers and Ferrari, Measuring the Objectness of Image Windows, TPAMI 2012",
    )
