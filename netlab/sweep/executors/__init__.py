"""Where the runs of a sweep are done, each behind the shape of ``concurrent.futures.Executor``.

``submit(function, *arguments)`` gives a ``concurrent.futures.Future``. A future raises ``WorkerLostError``
when the process that did the work is gone (killed, out of memory, its machine lost); the driver then
submits the work again.
"""

from __future__ import annotations


class WorkerLostError(Exception):
    """The process that did the work ended before it was done."""
