"""Help and lists import nothing heavy: asserted on the modules loaded, not on time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "cv2", "sklearn", "scipy", "numpy", "matplotlib")

PROBE = """
import contextlib, io, json, sys
from netlab.cli.app import main
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(json.dumps([sorted({name.partition(".")[0] for name in sys.modules}), len(out.getvalue())]))
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["plugins", "list"],
        ["plugins", "--help"],
        ["run", "--help"],
        ["run", "--block", "grouped", "--norm", "gn", "--help"],
        ["summary", "--help"],
    ],
    ids=" ".join,
)
def test_no_heavy_module_is_imported(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words], capture_output=True, text=True, check=True, timeout=300
    )
    modules, printed = json.loads(done.stdout.splitlines()[-1])
    assert printed > 0
    assert not set(HEAVY) & set(modules)
    if words in (["--help"], ["--version"]):
        assert "pydantic" not in modules
