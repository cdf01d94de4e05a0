"""Many independent calls on an executor, those of lost workers once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from netlab.errors import NetlabError
from netlab.executors import WorkerLostError

RETRIES = 2  # of a call whose worker was lost


def call_each(
    executor: Executor,
    function: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    *,
    retries: int = RETRIES,
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """``function(*call)`` for every call; gives each call with its result, in the order of their ends.

    Raises:
        NetlabError: the worker of a call was lost again and again.
    """
    attempts: dict[Future[Any], tuple[tuple[Any, ...], int]] = {
        executor.submit(function, *call): (call, 1) for call in calls
    }
    try:
        while attempts:
            done, _ = wait(attempts, return_when=FIRST_COMPLETED)
            for future in done:
                call, count = attempts.pop(future)
                try:
                    result = future.result()
                except WorkerLostError as lost:
                    if count > retries:
                        raise NetlabError(
                            f"a worker was lost {count} times with the same work: {lost}"
                        ) from None
                    attempts[executor.submit(function, *call)] = call, count + 1
                    continue
                yield call, result
    finally:
        for future in attempts:
            future.cancel()
