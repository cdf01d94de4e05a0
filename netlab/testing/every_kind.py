"""Checks of every component, whatever its kind."""

from __future__ import annotations

import functools
import json
import pickle
import subprocess
import sys
import tomllib
from typing import Any

from netlab.engine.catalog import Catalog
from netlab.engine.distributions import is_file
from netlab.engine.option_types import flag_type
from netlab.testing.checks import ConformanceError, Subject, expect
from netlab.testing.imports import changed_by_imports

HEAVY = ("torch", "torchvision", "cv2", "sklearn")
# What a declaration may not import: every command of every user would wait for it.
HEAVY_FOR_PLUGIN = (*HEAVY, "pydantic", "pandas", "scipy", "matplotlib", "timm", "transformers", "tensorflow")
PROBE = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[1])
importlib.import_module(sys.argv[2])
print("\\n" + json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@functools.cache
def modules_imported_by(module: str, path: tuple[str, ...]) -> frozenset[str]:
    """The top-level names of everything that a fresh interpreter holds after importing ``module``."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(path), module], capture_output=True, text=True, check=False
    )
    expect(done.returncode == 0, f"'{module}' can not be imported on its own: {last_line(done.stderr)}")
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


def last_line(text: str) -> str:
    """The last line that is not empty."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it ended without a word")


def expect_light_declaration(target: str) -> None:
    """An entry point's module imports nothing heavy."""
    module = target.partition(":")[0]
    heavy = modules_imported_by(module, tuple(sys.path)).intersection(HEAVY_FOR_PLUGIN)
    expect(
        not heavy,
        f"'{module}' imports {', '.join(sorted(heavy))}: name the component in a target,"
        " 'module:attribute', instead of importing it",
    )


def light_import(subject: Subject) -> None:
    """The plugin's declaration imports no torch, cv2, sklearn or pydantic, its options no torch."""
    plugin = subject.component.plugin
    if is_file(plugin.distribution):  # which holds its parts, and imports what they need
        return
    expect_light_declaration(plugin.target)
    if subject.component.spec.options is not None:
        options = subject.component.spec.options.partition(":")[0]
        heavy = modules_imported_by(options, tuple(sys.path)).intersection(HEAVY)
        expect(not heavy, f"'{options}' imports {', '.join(sorted(heavy))}: --help would wait for it")


def quiet_import(subject: Subject) -> None:
    """Importing the part draws, seeds, sets, silences and prints nothing."""
    plugin = subject.component.plugin
    modules = {
        part.spec.target.partition(":")[0]
        for part in Catalog(subject.component.manager)
        if part.plugin.distribution == plugin.distribution
    }
    found = changed_by_imports(tuple(sorted(modules)), tuple(sys.path))
    module = subject.component.spec.target.partition(":")[0]
    changed = found.get(module, [])
    expect(not changed, f"importing '{module}' changes {', '.join(changed)}")


def picklable_spec(subject: Subject) -> None:
    """The declaration survives pickling, so that sweeps can send it to other processes."""
    spec = subject.component.spec
    try:
        copy = pickle.loads(pickle.dumps(spec))
    except Exception as error:
        raise ConformanceError(f"the ComponentSpec can not be pickled: {error}") from error
    expect(copy == spec, "the ComponentSpec is not the same after pickling")


def flags(subject: Subject) -> None:
    """Every option has a type that a flag can hold, and a description for --help."""
    model = subject.component.options_model()
    for name, field in (model.model_fields if model is not None else {}).items():
        try:
            flag_type(name, field.annotation)
        except TypeError as error:
            raise ConformanceError(str(error)) from None
        expect(field.description, f"option '{name}' has no description: Field(..., description=...)")


def defaults(subject: Subject) -> None:
    """The defaults of the options pass the options' own validation."""
    options = plain_options(subject)
    if options is None:
        return
    from pydantic import ValidationError

    try:
        type(options).model_validate(options.model_dump())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the options"
        raise ConformanceError(f"the default of '{where}' is refused: {first['msg']}") from None


def option_round_trip(subject: Subject) -> None:
    """The options are the same after a run's config.toml."""
    options = plain_options(subject)
    if options is None or refuses_defaults(options):  # the latter is the check 'defaults'
        return
    import tomli_w

    written = {key: value for key, value in options.model_dump(mode="json").items() if value is not None}
    try:
        read = type(options).model_validate(tomllib.loads(tomli_w.dumps(written)))
    except (TypeError, ValueError) as error:
        raise ConformanceError(f"the options can not be read back from TOML: {error}") from None
    expect(
        read.model_dump() == options.model_dump(),
        f"the options changed in config.toml: {options!r} became {read!r}",
    )


def refuses_defaults(options: Any) -> bool:
    """Whether an options model does not accept its own values."""
    try:
        type(options).model_validate(options.model_dump())
    except ValueError:
        return True
    return False


def plain_options(subject: Subject) -> Any:
    """The options, or None for a component that has none."""
    return None if subject.component.options_model() is None else subject.options


def docstring(subject: Subject) -> None:
    """The component has a docstring of its own: shapes, ranges, errors, the method's source."""
    target = subject.component.load()
    text = target.__dict__.get("__doc__") if isinstance(target, type) else getattr(target, "__doc__", None)
    expect(isinstance(text, str) and text.strip(), f"'{subject.component.spec.target}' has no docstring")


CHECKS = (light_import, quiet_import, picklable_spec, flags, defaults, option_round_trip, docstring)
