"""Declares netlab's own schedules of the learning rate."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="schedule",
        name="one-cycle",
        summary="Up to the peak and down to 0, both linearly",
        target="netlab_builtin.schedules.schedules:one_cycle",
        options="netlab_builtin.schedules.options:OneCycleOptions",
        reference="Smith and Topin, Super-Convergence, 2018",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="schedule",
        name="cosine",
        summary="Half a cosine from the peak to 0",
        target="netlab_builtin.schedules.schedules:cosine",
        options="netlab_builtin.schedules.options:WarmupOptions",
        reference="Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017",
    )
    yield ComponentSpec(
        kind="schedule",
        name="step",
        summary="A drop after every so many epochs",
        target="netlab_builtin.schedules.schedules:step_down",
        options="netlab_builtin.schedules.options:StepOptions",
    )
    yield ComponentSpec(
        kind="schedule",
        name="linear",
        summary="Linearly from the peak to 0",
        target="netlab_builtin.schedules.schedules:linear",
        options="netlab_builtin.schedules.options:WarmupOptions",
    )
    yield ComponentSpec(
        kind="schedule",
        name="constant",
        summary="Always the peak",
        target="netlab_builtin.schedules.schedules:constant",
        options="netlab_builtin.schedules.options:WarmupOptions",
    )
