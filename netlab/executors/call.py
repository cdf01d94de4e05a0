"""A call as bytes, and how a worker process does it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from netlab.threads import limit_process


def pack(function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bytes:
    """The call, for ``perform`` in another process of the same installation."""
    return pickle.dumps((function, arguments, keywords), protocol=5)


def perform(call: bytes, threads: int) -> bytes:
    """Do a packed call with ``threads`` threads; gives what ``unpack`` reads.

    The call is read only when the threads are set, because that may import PyTorch.
    """
    limit_process(threads)
    try:
        function, arguments, keywords = pickle.loads(call)
        answer = True, function(*arguments, **keywords)
    except Exception as error:
        answer = False, error
    try:
        return pickle.dumps(answer, protocol=5)
    except Exception as error:
        return pickle.dumps((False, TypeError(f"the answer can not be sent back: {error}")))


def unpack(answer: bytes) -> Any:
    """The value that the function returned; what it raised is raised here too."""
    succeeded, value = pickle.loads(answer)
    if succeeded:
        return value
    raise value
