"""Declares netlab's own activations."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="activation",
        name="elu",
        summary="Exponential linear unit",
        target="netlab_builtin.activations.activations:elu",
        options="netlab_builtin.activations.options:EluOptions",
        reference="Clevert et al., Fast and Accurate Deep Network Learning by ELUs, ICLR 2016",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="activation",
        name="relu",
        summary="Rectified linear unit: about half of the time of ELU in bf16 on a processor",
        target="netlab_builtin.activations.activations:relu",
        reference="Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines, ICML 2010",
    )
    yield ComponentSpec(
        kind="activation",
        name="leaky-relu",
        summary="ReLU with a small slope below 0",
        target="netlab_builtin.activations.activations:leaky_relu",
        options="netlab_builtin.activations.options:LeakyReluOptions",
        reference="Maas et al., Rectifier Nonlinearities Improve Neural Network Acoustic Models, 2013",
    )
    yield ComponentSpec(
        kind="activation",
        name="gelu",
        summary="Gaussian error linear unit: half as long again as ELU in bf16 on a processor",
        target="netlab_builtin.activations.activations:gelu",
        options="netlab_builtin.activations.options:GeluOptions",
        reference="Hendrycks and Gimpel, Gaussian Error Linear Units, 2016",
    )
    yield ComponentSpec(
        kind="activation",
        name="silu",
        summary="x times its sigmoid: nine tenths of the time of ELU in bf16 on a processor",
        target="netlab_builtin.activations.activations:silu",
        reference="Elfwing, Uchibe and Doya, Sigmoid-Weighted Linear Units, 2017",
    )
    yield ComponentSpec(
        kind="activation",
        name="tanh",
        summary="Hyperbolic tangent",
        target="netlab_builtin.activations.activations:tanh",
    )
    yield ComponentSpec(
        kind="activation",
        name="identity",
        summary="No activation",
        target="netlab_builtin.activations.activations:identity",
    )
