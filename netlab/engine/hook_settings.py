"""The settings of plugins' hooks: what the tables ``[plugins.NAME]`` and ``--set`` give, checked by the
models that the plugins declare (``netlab_settings``).

The closer source wins, option by option: the user's ``config.toml``, the project's ``netlab.toml``
(``netlab.engine.plugin_settings``), the file of ``--config``, ``--set NAME.OPTION=VALUE``.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netlab.engine.blocking import PluginKey, meant_by
from netlab.engine.option_errors import refusal
from netlab.engine.plugin import Plugin
from netlab.errors import PluginError, UsageError, closest, first_line
from netlab.specs import load_target

if TYPE_CHECKING:
    from pydantic import BaseModel

    from netlab.engine.manager import PluginManager

Tables = Mapping[str, Mapping[str, Any]]  # by what names the plugin: NAME or NAME@DISTRIBUTION
NO_TABLES: Tables = {}


@dataclass(frozen=True, slots=True)
class HookSettings:
    """The settings of every plugin that declares some."""

    models: Mapping[PluginKey, BaseModel] = field(default_factory=dict)

    def of(self, plugin: Plugin) -> BaseModel | None:
        """What the hooks of a plugin are given as ``settings``."""
        return self.models.get(plugin.key)

    def record(self) -> dict[str, dict[str, dict[str, Any]]]:
        """For ``config.toml``: a table ``plugins`` with one a plugin; nothing where none has settings.

        A secret (pydantic's ``SecretStr``) is not recorded.
        """
        names = [key.name for key in self.models]
        tables = {
            key.name if names.count(key.name) == 1 else str(key): without_secrets(model)
            for key, model in self.models.items()
        }
        return {"plugins": tables} if tables else {}


def hook_settings(manager: PluginManager, given: Tables = NO_TABLES) -> HookSettings:
    """The settings of the plugins that work here; ``given`` are the tables of ``--config``.

    A plugin whose model can not be loaded has failed: none of its hooks is called.

    Raises:
        UsageError: a table of no plugin (with the closest name), an option that it does not have, a value
            that does not fit.
    """
    values: dict[PluginKey, dict[str, Any]] = {}
    sources = [*manager.filed_settings, ("the configuration", given), ("--set", manager.given_settings)]
    for where, tables in sources:
        for word, table in tables.items():
            plugin = plugin_meant(word, manager, where)
            values.setdefault(plugin.key, {}).update(table)
            if plugin.works and plugin.settings is None:
                raise UsageError(f"{where}: plugin '{plugin.name}' has no settings")
    return HookSettings(dict(_models(manager, values)))


def plugin_meant(word: str, manager: PluginManager, where: str) -> Plugin:
    """The plugin that a table is for.

    Raises:
        UsageError: there is none, or several.
    """
    plugins = {plugin.key: plugin for plugin in manager.plugins}
    meant = [key for key in meant_by(word, plugins) if word in (key.name, str(key))]
    if not meant:
        hint = closest(word, (key.name for key in plugins))
        raise UsageError(f"{where}: there is no plugin '{word}' to have settings.{hint}")
    if len(meant) > 1:
        choices = " or ".join(f"'{key}'" for key in sorted(meant))
        raise UsageError(f"{where}: several distributions have a plugin '{word}': write {choices}")
    return plugins[meant[0]]


def _models(
    manager: PluginManager, values: Mapping[PluginKey, Mapping[str, Any]]
) -> Iterator[tuple[PluginKey, BaseModel]]:
    """The settings of each plugin by its key."""
    from pydantic import ValidationError

    for plugin in manager.plugins:
        if not plugin.works or plugin.settings is None:
            continue
        title = f"plugin '{plugin.name}'"
        try:
            manager.check_options(plugin, plugin.settings)
            model = settings_model(plugin.settings)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            plugin.state = "failed"
            manager.fail(plugin, "event", PluginError(f"its settings can not be loaded: {first_line(error)}"))
            continue
        given = values.get(plugin.key, {})
        for name in given:
            if name not in model.model_fields:
                raise UsageError(f"{title} has no setting '{name}'.{closest(name, model.model_fields)}")
        try:
            yield plugin.key, model.model_validate(given)
        except ValidationError as error:
            raise UsageError(refusal(error, model, title, f"set {plugin.name}")) from None


def settings_model(target: str) -> type[BaseModel]:
    """The pydantic model that a plugin names; what its module prints is kept away from standard output.

    Raises:
        TypeError: it is none.
        Exception: whatever its module raises.
    """
    from pydantic import BaseModel

    with contextlib.redirect_stdout(sys.stderr):
        model: Any = load_target(target)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(f"'{target}' is not a pydantic model")
    return model


def without_secrets(model: BaseModel) -> dict[str, Any]:
    """The values of a model as JSON has them, but for secrets."""
    from pydantic import SecretBytes, SecretStr

    values = {name: getattr(model, name) for name in type(model).model_fields}
    secret = {name for name, value in values.items() if isinstance(value, SecretStr | SecretBytes)}
    return model.model_dump(mode="json", exclude=secret)


def overlaid(below: Tables, above: Tables) -> dict[str, dict[str, Any]]:
    """The tables of both, options of ``above`` before those of ``below``."""
    return {name: {**below.get(name, {}), **above.get(name, {})} for name in {**below, **above}}


def read_set(words: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``--set NAME.OPTION=VALUE`` as tables. What is no value in TOML is a text.

    Raises:
        UsageError: a word is not of that form.
    """
    tables: dict[str, dict[str, Any]] = {}
    for word in words:
        key, equals, text = word.partition("=")
        name, dot, option = key.strip().rpartition(".")
        if not (equals and dot and name and option):
            raise UsageError(f"--set {word}: expected NAME.OPTION=VALUE, a setting of a plugin")
        tables.setdefault(name, {})[option.replace("-", "_")] = toml_value(text.strip())
    return tables


def toml_value(text: str) -> Any:
    """``3`` and ``["a", "b"]`` as TOML reads them, anything else as the text that it is."""
    import tomllib

    with contextlib.suppress(tomllib.TOMLDecodeError):
        found = tomllib.loads(f"value = {text}")
        if found.keys() == {"value"}:
            return found["value"]
    return text
