"""Declares a loss, an augmentation and a metric.

Every netlab command imports this file: nothing heavy in it.
"""

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="loss",
        name="poly",
        summary="Cross-entropy with its first polynomial coefficient changed",
        target="netlab_robust.loss:poly",
        options="netlab_robust.options:PolyOptions",
        reference="Leng et al., PolyLoss, ICLR 2022",
    )
    yield ComponentSpec(
        kind="augmentation",
        name="resize-mix",
        summary="Pastes a small copy of another image into each",
        target="netlab_robust.augmentation:resize_mix",
        options="netlab_robust.options:ResizeMixOptions",
        reference="Qin et al., ResizeMix, 2020",
        tags=frozenset({"mixing"}),
    )
    yield ComponentSpec(
        kind="metric",
        name="effective-rank",
        summary="How many directions the features use",
        target="netlab_robust.metric:effective_rank",
        reference="Roy and Vetterli, The effective rank, EUSIPCO 2007",
        tags=frozenset({"unlabelled", "range:1:", "better:neither"}),
    )
