"""Declares the broken components: the name of each is that of the check that it fails."""

from netlab.specs import ComponentSpec, hookimpl


def declare(kind, *parts, tags=frozenset()):
    module = "losses" if kind == "loss" else f"{kind}s"
    for name, attribute, *options in parts:
        yield ComponentSpec(
            kind=kind,
            name=name,
            summary=f"Fails {name}",
            target=f"broken_parts.{module}:{attribute}",
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
        ("chosen-activation", "IdleActivation"),
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
        "backbone",
        ("missing-weights", "knows_no_files"),
        ("preprocessing", "larger_than_the_image"),
        tags=frozenset({"pretrained"}),
    )
    yield from declare(
        "activation",
        ("dtype", "widening"),
        ("element-by-element", "pooling"),
        ("gradients", "dead_parameter"),
        ("input-kept", "overwriting"),
        ("own-module", "one_for_all"),
        ("determinism", "always_dropping"),
        ("state-dict", "hidden_scale"),
    )
    yield from declare(
        "optimizer",
        ("every-parameter", "one_more_parameter"),
        ("descends", "ascends"),
        ("rate", "fixed_rate"),
        ("weight-decay", "no_decay"),
        ("without-gradient", "shrinks_the_idle"),
        ("state", "counts_in_python"),
        ("determinism", "follows_the_seed"),
    )
    yield from declare("schedule", ("in-range", "above_the_peak"), ("pure", "counts_calls"))
    yield from declare(
        "loss",
        ("scalar", "hard_only"),
        ("mean", "total"),
        ("prefers-the-truth", "upside_down"),
        ("extreme-logits", "naive"),
        ("input-kept", "overwrites"),
    )
    yield from declare(
        "augmentation",
        ("shape", "coloured"),
        ("in-range", "too_bright"),
        ("targets-kept", "mixes_targets"),
        ("seed", "always_the_same"),
        ("drawn-once", "remembers"),
        ("input-kept", "overwrites"),
        ("by-place", "by_position"),
    )
    yield from declare(
        "callback",
        ("columns", "AnotherColumn"),
        ("still-trains", "Freezes"),
        ("evaluation-restores", "LeavesTheMean"),
        ("resumes", "Forgets"),
        ("determinism", "Draws"),
    )
    yield from declare("recipe", ("known-tables", "unknown_table"), ("pure", "counts_calls"))
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
    yield from declare(
        "detector",
        ("finds", "scores_over_one"),
        ("trains", "no_losses"),
    )
