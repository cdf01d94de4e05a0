"""What ``make test`` runs, for systems without make: ``uvx nox`` or ``pipx run nox``."""

import nox

nox.options.default_venv_backend = "uv|venv"
nox.options.reuse_existing_virtualenvs = True


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types and layers."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite; words after ``--`` go to pytest."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-n", "2", "--dist", "loadfile", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """The long form of the tests of faults."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-q", "-s", "tests/faults", *session.posargs, env={"NETLAB_FAULTS": "20000"})
