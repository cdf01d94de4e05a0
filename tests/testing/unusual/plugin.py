"""Declares the unusual parts."""

from netlab.specs import ComponentSpec, hookimpl

PARTS = (
    ("block", "modules:StochasticDepth"),
    ("block", "modules:PlaceTable", "ignores:activation"),
    ("block", "modules:Blur", "stride", "ignores:norm", "ignores:activation"),
    ("norm", "modules:float_norm"),
    ("activation", "modules:random_slope"),
    ("activation", "modules:straight_through"),
    ("backbone", "modules:all_convolutions", "ignores:block", "ignores:norm"),
    ("extractor", "modules:one_stage"),
    ("optimizer", "functions:own_rates"),
    ("schedule", "functions:restarts"),
    ("schedule", "functions:always"),
    ("loss", "functions:bootstrapped"),
    ("loss", "functions:in_order"),
    ("augmentation", "functions:rarely"),
    ("augmentation", "functions:smooths", "mixing"),
    ("recipe", "functions:nothing"),
    ("metric", "functions:overlapping_spheres", "range:0:", "better:lower"),
    ("metric", "functions:spread", "range:0:", "better:neither", "unlabelled"),
    ("proposer", "functions:random_windows"),
    ("dataset", "functions:few_grey_images"),
    ("dataset", "functions:no_data"),
    ("callback", "functions:idle"),
)


@hookimpl
def netlab_components():
    for kind, place, *tags in PARTS:
        name = place.partition(":")[2].lower().replace("_", "-")
        yield ComponentSpec(kind, name, f"Unusual: {name}", f"unusual.{place}", tags=frozenset(tags))
