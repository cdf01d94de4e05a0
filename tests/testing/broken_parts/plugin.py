"""Declares the broken components: the name of each is that of the check that it fails."""

from netlab.specs import ComponentSpec, hookimpl


def declare(kind, *parts, tags=frozenset()):
    for name, attribute, *options in parts:
        yield ComponentSpec(
            kind=kind,
            name=name,
            summary=f"Fails {name}",
            target=f"broken_parts.{kind}s:{attribute}",
            options=f"broken_parts.options:{options[0]}" if options else None,
            tags=tags,
        )


class _LocalText(str):
    __slots__ = ()


_LocalText.__qualname__ = "nowhere"


@hookimpl
def netlab_components():
    yield from declare(
        "block",
        ("flags", "Sound", "NoFlag"),
        ("defaults", "Sound", "BadDefault"),
        ("option-round-trip", "Sound", "Lossy"),
        ("docstring", "Undocumented"),
        ("shape", "Shrinking"),
        ("other-channels", "SameChannels"),
        ("gradients", "DeadParameter"),
        ("state-dict", "HiddenWeight"),
        ("determinism", "AlwaysDropping"),
        ("batch-of-one", "Squeezing"),
        ("every-norm", "WrongNormSize"),
    )
    yield from declare("block", ("stride", "Sound"), tags=frozenset({"stride"}))
    yield ComponentSpec(
        "block", "picklable-spec", _LocalText("Cannot be pickled"), "broken_parts.blocks:Sound"
    )
    yield from declare(
        "backbone",
        ("named-layers", "unnamed"),
        ("logits", "one_more_class"),
        ("grey-and-other-sizes", "only_rgb"),
        ("too-small", "divides_by_zero"),
        ("chosen-norm", "wrong_norm_channels"),
        ("gradients", "dead_parameter"),
        ("state-dict", "hidden_weight"),
        ("determinism", "always_dropping"),
    )
    yield from declare(
        "dataset",
        ("offline", "goes_online"),
        ("images", "float_images"),
        ("labels", "label_too_high"),
        ("class-names", "repeated_names"),
        ("augmentations", "unknown_augmentation"),
        ("repeatable", "random_images"),
    )
    yield from declare(
        "metric",
        ("result", "whole_number"),
        ("order-of-points", "first_point"),
        ("names-of-classes", "length_of_name"),
        ("one-class", "divides_by_classes"),
        ("class-of-one-point", "divides_by_members"),
        ("never-nan", "ratio_of_spreads"),
        ("input-unchanged", "overwrites_labels"),
    )
    yield from declare("metric", ("bounds", "too_large"), tags=frozenset({"range:0:1"}))
    yield from declare(
        "proposer",
        ("arrays", "double_precision"),
        ("inside-the-image", "one_pixel_over"),
        ("best-first", "worst_first"),
        ("repeatable", "random_scores"),
        ("limit-is-a-prefix", "ignores_limit"),
        ("tiny-image", "fails_on_tiny"),
        ("grey-image", "fails_on_grey"),
        ("input-unchanged", "paints_the_image"),
    )
    yield from declare(
        "extractor",
        ("stages", "wrong_channels"),
        ("preprocessing", "mean_of_bytes"),
        ("determinism", "always_dropping"),
        ("missing-weights", "ignores_weights"),
    )
