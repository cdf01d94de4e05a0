"""Declares netlab's own optimizers."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="optimizer",
        name="sgd",
        summary="Stochastic gradient descent with momentum",
        target="netlab_builtin.optimizers.sgd:sgd",
        options="netlab_builtin.optimizers.options:SgdOptions",
        reference="Sutskever et al., On the importance of initialization and momentum, ICML 2013",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="optimizer",
        name="adamw",
        summary="Adam with decoupled weight decay",
        target="netlab_builtin.optimizers.adamw:adamw",
        options="netlab_builtin.optimizers.options:AdamWOptions",
        reference="Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019",
        tags=frozenset({"lr:0.002"}),
    )
    yield ComponentSpec(
        kind="optimizer",
        name="muon",
        summary="Orthogonalized momentum for filters, SGD for the rest",
        target="netlab_builtin.optimizers.muon:muon",
        options="netlab_builtin.optimizers.options:MuonOptions",
        reference="Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024",
        tags=frozenset({"lr:0.1"}),
    )
