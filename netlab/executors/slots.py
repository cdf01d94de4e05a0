"""What the executors have in common: a thread here waits for each call that is running."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from netlab.executors import WorkerLostError
from netlab.executors.call import pack, unpack


class SlotExecutor(Executor, ABC):
    """At most ``slots`` calls at once, each done elsewhere by ``perform``.

    A call that waits for a slot can be cancelled; running ones end with
    ``shutdown(cancel_futures=True)``.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.stopping = threading.Event()
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="slot")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._threads.submit(self._do, pack(fn, args, kwargs))

    def _do(self, call: bytes) -> Any:
        if self.stopping.is_set():
            raise WorkerLostError("the executor is shutting down")
        return unpack(self.perform(call))

    @abstractmethod
    def perform(self, call: bytes) -> bytes:
        """Do the packed call elsewhere and wait for its answer.

        Raises:
            WorkerLostError: the process that did it is gone.
        """

    def capacity(self) -> int:
        """How many calls can run at once."""
        return self.slots

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """With ``cancel_futures`` the running work is ended too: a run resumes from its checkpoint."""
        if cancel_futures:
            self.stopping.set()
            self.end_running()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            self.close()

    def end_running(self) -> None:
        """End the running calls."""

    def close(self) -> None:
        """Let go of the workers, which are idle."""
