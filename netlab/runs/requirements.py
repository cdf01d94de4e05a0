"""The distributions that parts come from, as requirement lines for ``pip install -r``."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from netlab.engine.distributions import OWN_DISTRIBUTION, canonical
from netlab.engine.manager import PluginManager
from netlab.errors import NetlabError
from netlab.runs.directory import find_run


def installed_requirements(manager: PluginManager) -> list[str]:
    """The distributions of every installed plugin, blocked and broken ones too."""
    found = {
        (plugin.distribution, plugin.version) for plugin in manager.plugins if plugin.distribution != "?"
    }
    return [requirement(name, version) for name, version in sorted(found)]


def requirements_of_run(run: str, runs: Path) -> list[str]:
    """The distributions of the parts that a run used, at the versions that it recorded.

    Raises:
        NetlabError: there is no such run, or its environment.json says nothing of its parts.
    """
    environment = find_run(run, runs).read_environment()
    try:
        found = {(part["distribution"], part["version"]) for part in environment["components"]}
        found.add((OWN_DISTRIBUTION, environment["netlab"]))
    except (KeyError, TypeError):
        raise NetlabError(f"environment.json of run '{run}' does not say which parts it used") from None
    return [requirement(name, version) for name, version in sorted(found)]


def requirement(name: str, version: str) -> str:
    """``NAME==VERSION``, or ``NAME @ URL`` for what was installed from a folder, an archive or git."""
    url = installed_from(name, version)
    return f"{name}=={version}" if url is None else f"{name} @ {url}"


def installed_from(name: str, version: str) -> str | None:
    """The URL that this version was installed from (PEP 610); None when it came from an index."""
    for distribution in metadata.distributions(name=name):
        text = distribution.read_text("direct_url.json")
        if canonical(distribution.name) != name or distribution.version != version or text is None:
            continue
        record = json.loads(text)
        vcs = record.get("vcs_info")
        return f"{vcs['vcs']}+{record['url']}@{vcs['commit_id']}" if vcs else str(record["url"])
    return None
