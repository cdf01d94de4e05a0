"""The callbacks of a training, called as one, and held to their contract."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from torch import Tensor

from netlab.engine.catalog import Component, Part
from netlab.kinds.callback import Training, TrainingCallback


class Callbacks:
    """What was chosen to go along with a training, in order.

    Raises:
        PluginError: by every method: a callback does not keep to its contract.
    """

    def __init__(self, parts: Sequence[Part], training: Training, columns: Sequence[str]) -> None:
        """``columns`` are those that the history has without callbacks."""
        self._chain: list[tuple[Component, TrainingCallback]] = []
        self.columns: tuple[str, ...] = ()
        for part in parts:
            component = part.component
            callback = component.build(training, options=part.options)
            if not isinstance(callback, TrainingCallback):
                raise component.broke(f"gave {type(callback).__name__}, not a TrainingCallback")
            for column in callback.columns:
                if not isinstance(column, str) or not column.isidentifier():
                    raise component.broke(f"its column {column!r} is not of letters, digits and _")
                if column in columns or column in self.columns:
                    raise component.broke(f"its column '{column}' is in the history already")
            self.columns += tuple(callback.columns)
            self._chain.append((component, callback))

    def gradients_ready(self, step: int, again: Callable[[], None]) -> None:
        for _, callback in self._chain:
            callback.gradients_ready(step, again)

    def step_finished(self, step: int) -> None:
        for _, callback in self._chain:
            callback.step_finished(step)

    @contextlib.contextmanager
    def evaluation(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for _, callback in self._chain:
                stack.enter_context(callback.evaluation())
            yield

    def epoch_finished(self, epoch: int) -> dict[str, float]:
        """The epoch's values of all callbacks' columns."""
        row: dict[str, float] = {}
        for component, callback in self._chain:
            values = callback.epoch_finished(epoch)
            if not isinstance(values, Mapping) or set(values) != set(callback.columns):
                given = ", ".join(map(str, values)) if isinstance(values, Mapping) else type(values).__name__
                wanted = ", ".join(callback.columns)
                raise component.broke(f"expected values of its columns ({wanted}), not {given or 'none'}")
            try:
                row |= {column: float(value) for column, value in values.items()}
            except (TypeError, ValueError):
                raise component.broke(f"its values are not numbers: {dict(values)!r:.80}") from None
        return row

    def state(self) -> dict[str, Tensor]:
        """The state of all callbacks, as tensors by ``POSITION.NAME``."""
        found = {}
        for position, (component, callback) in enumerate(self._chain):
            for name, value in callback.state().items():
                if not isinstance(value, Tensor):
                    raise component.broke(f"keeps '{name}' as {type(value).__name__}, not as a tensor")
                found[f"{position}.{name}"] = value
        return found

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what ``state`` gave.

        Raises:
            KeyError: the state is of other callbacks.
            ValueError: likewise.
        """
        for position, (_, callback) in enumerate(self._chain):
            prefix = f"{position}."
            callback.load_state(
                {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
            )
