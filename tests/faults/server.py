"""A process with ``inject.c`` preloaded that has imported netlab, and makes a child of itself a command.

A line of standard input is a command as JSON: its words, its folder, where which fault is; the answer is how it
ended. Children are real processes that are really killed; that they need not import PyTorch makes thousands of
them affordable.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from netlab.cli.app import main

LIMIT = 120  # seconds, for a command that hangs


def command(request: dict[str, Any]) -> None:
    """Be the command: never returns."""
    library = ctypes.CDLL(os.environ["LD_PRELOAD"])
    os.chdir(request["cwd"])
    sys.argv = ["netlab", *request["words"]]
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(output, 1)
    os.dup2(output, 2)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666) if request["log"] else -1
    signal.alarm(LIMIT)
    library.inject_arm(request["cwd"].encode(), ctypes.c_long(request["at"]), request["kind"], log)
    main(request["words"])


def serve() -> None:
    """Answer until standard input ends."""
    torch.set_num_threads(1)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        for words in json.loads(sys.argv[1]):  # what they import, their children need not
            with contextlib.suppress(SystemExit):
                main(words)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                command(request)
            except SystemExit as leaving:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(leaving.code if isinstance(leaving.code, int) else 1)
            os._exit(70)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status), "cwd": str(Path.cwd())}), flush=True)


serve()
