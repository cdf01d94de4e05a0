"""The process that is connected to Ray: it makes a task of every call that comes through a pipe.

It reads ``(number, call)`` and answers ``(number, answer, "")``, or ``(number, b"", why)`` when the worker
was lost; ``None`` or the end of the pipe ends it. Its very first message is ``(capacity, problem)``.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from netlab.errors import NetlabError, first_line
from netlab.executors.call import perform

OBJECT_STORE = 128 << 20  # bytes; calls and answers are small


@dataclass(frozen=True, slots=True)
class RayRequest:
    """What to connect to (``address`` None: a cluster of our own) and what a task needs."""

    workers: int
    threads: int
    gpus: int
    gpus_each: float
    address: str | None


def drive(connection: Connection, request: RayRequest) -> None:
    """The process."""
    # A group of its own: a Ctrl-C in the terminal is the parent's, which then closes the pipe.
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence()
    with contextlib.ExitStack() as stack:
        try:
            capacity = stack.enter_context(connected(request))
        except BaseException as error:  # Ray also leaves by SystemExit
            nobody = request.address == "auto" and isinstance(error, ConnectionError)
            connection.send((0, "no cluster runs on this machine" if nobody else first_line(error)))
            return
        connection.send((capacity, ""))
        serve(connection, request)


def silence() -> None:
    """Nothing that Ray writes belongs on the terminal; what counts comes through the pipe."""
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)


@contextlib.contextmanager
def connected(request: RayRequest) -> Iterator[int]:
    """Connect to Ray for a while; gives how many tasks fit on the cluster at once.

    Raises:
        NetlabError: no node can take such a task.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # a task without GPU sees none
    folder = None if request.address else own_cluster_environment()
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "critical"}
    try:
        if request.address:
            ray.init(address=request.address, **quiet)
        else:
            ray.init(
                address="local", include_dashboard=False, num_cpus=request.workers * request.threads,
                num_gpus=request.gpus, object_store_memory=OBJECT_STORE, _node_ip_address="127.0.0.1",
                _temp_dir=folder, **quiet,
            )  # fmt: skip
        yield capacity_of([node["Resources"] for node in ray.nodes() if node["Alive"]], request)
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def own_cluster_environment() -> str:
    """What Ray reads when it starts a cluster of our own: loopback only, and a token that nobody else has.

    Gives a folder for its files.
    """
    # Without this Ray takes the machine's outer address for 127.0.0.1, and listens to the network.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ.pop("RAY_ADDRESS", None)
    # Ray's sockets are in it, and the path of a socket must be short.
    return tempfile.mkdtemp(prefix="ray-", dir="/tmp" if Path("/tmp").is_dir() else None)


def capacity_of(nodes: Sequence[dict[str, float]], request: RayRequest) -> int:
    """How many tasks fit on the nodes at once.

    Raises:
        NetlabError: none fits on any.
    """
    fitting = 0
    for node in nodes:
        fits = math.floor(node.get("CPU", 0.0) / request.threads)
        if request.gpus_each:
            fits = min(fits, math.floor(node.get("GPU", 0.0) / request.gpus_each + 1e-9))
        fitting += fits
    if not fitting:
        needs = f"{request.threads} CPUs" + (f" and {request.gpus_each:g} GPU" if request.gpus_each else "")
        most = max((node.get("CPU", 0.0) for node in nodes), default=0.0)
        raise NetlabError(
            f"a run needs {needs}, and no node has them (at most {most:g} CPUs): "
            "give other --threads or --gpus-per-run"
        )
    return fitting


def serve(connection: Connection, request: RayRequest) -> None:
    """Make tasks until the pipe ends."""
    import ray

    # The one who asked submits lost work again, so that every executor tells of it in the same way.
    task = ray.remote(max_retries=0)(perform).options(
        num_cpus=request.threads, num_gpus=request.gpus_each, name="netlab"
    )
    sending = threading.Lock()
    open_tasks: dict[int, Any] = {}  # a task whose reference is dropped may be ended

    def answer(number: int, future: Future[bytes]) -> None:
        error = future.exception()
        message = (number, b"", why_lost(error)) if error else (number, future.result(), "")
        open_tasks.pop(number, None)
        with sending, contextlib.suppress(OSError):
            connection.send(message)

    while True:
        try:
            received = connection.recv()
        except (EOFError, OSError):
            return
        if received is None:
            return
        number, call = received
        reference = open_tasks[number] = task.remote(call, request.threads)
        reference.future().add_done_callback(partial(answer, number))


def why_lost(error: BaseException) -> str:
    """Ray's reason in a few words."""
    import ray

    known = {
        ray.exceptions.OutOfMemoryError: "its machine ran out of memory",
        ray.exceptions.WorkerCrashedError: "its process was killed or crashed",
        ray.exceptions.NodeDiedError: "its machine was lost",
    }
    return next((words for kind, words in known.items() if isinstance(error, kind)), first_line(error))
