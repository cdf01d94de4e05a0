"""Checks of every kind whose parts can be exercised: run once as netlab would, the result looked at."""

from __future__ import annotations

import contextlib
import linecache
from collections.abc import Callable
from dataclasses import replace

from netlab.errors import NetlabError, UsageError, first_line
from netlab.testing.checks import CheckFunction, ConformanceError, NotApplicable, Subject, expect
from netlab.testing.option_values import option_ends
from netlab.testing.surroundings import changes

Exercise = Callable[[Subject], object]


def exercised(exercise: Exercise, *, seeded: bool = False) -> tuple[CheckFunction, ...]:
    """Two checks by way of ``exercise(subject)``, which runs a part and raises what is wrong with the result.

    ``seeded`` says that a part may draw from PyTorch's global generator, which netlab seeds for it.
    """

    def surroundings(subject: Subject) -> None:
        """Random numbers, threads, dtypes, warnings, environment stay as they were; it prints nothing."""
        subject.component.load()

        def quietly() -> None:
            with contextlib.suppress(Exception):  # what fails here fails in other checks, which say why
                exercise(subject)

        changed = changes(quietly, seeded=seeded)
        expect(not changed, f"it changes {', '.join(changed)}: everything else in the process is touched")

    def option_range(subject: Subject) -> None:
        """It works with every option at the ends of its range, or refuses them with a ValueError."""
        model = subject.component.options_model()
        for values in option_ends(model) if model is not None else ():
            expect_works(exercise, subject, values)

    return surroundings, option_range


def expect_works(exercise: Exercise, subject: Subject, values: dict[str, object]) -> None:
    """A part with these options works, or says in one line why it can not."""
    with_values = replace(subject, values={**subject.values, **values})
    given = ", ".join(f"{name}={value!r}" for name, value in values.items())
    try:
        with_values.component.make_options(with_values.values)
    except NetlabError:
        return  # the model refuses this combination
    try:
        exercise(with_values)
    except NotApplicable:
        return
    except UsageError as error:
        expect(is_refusal(error), f"with {given}: {first_line(error)}")
    except ConformanceError as error:
        raise ConformanceError(f"with {given}: {error}") from error
    except Exception as error:
        raise ConformanceError(f"with {given}: {first_line(error)}") from error


def is_refusal(error: UsageError) -> bool:
    """Whether a part says by ``raise ValueError`` that it can not; not that something failed inside it."""
    cause = error.__cause__ or error
    traceback = cause.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return True
    line = linecache.getline(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
    return not line.strip() or line.strip().startswith("raise")
