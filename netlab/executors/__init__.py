"""Where work is done: processes here, Ray, or a Slurm queue, all behind ``concurrent.futures.Executor``.

``submit(function, *arguments)`` gives a ``concurrent.futures.Future``. A future raises what the function
raised, or ``WorkerLostError`` when the process that did the work is gone (killed, out of memory, its
machine lost); whoever submitted the work may then submit it again. Functions and arguments are pickled:
module-level functions, plain data.
"""

from __future__ import annotations


class WorkerLostError(Exception):
    """The process that did the work ended before it was done."""
