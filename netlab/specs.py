"""What a plugin declares and which hooks it may implement: the whole of the plugin API.

A plugin is a module named by an entry point in the group ``netlab.v1``::

    [project.entry-points."netlab.v1"]
    squeeze-excite = "netlab_squeeze_excite.plugin"

and declares its components without importing what they need::

    from netlab.specs import ComponentSpec, hookimpl

    @hookimpl
    def netlab_components():
        yield ComponentSpec(
            kind="block",
            name="squeeze-excite",
            summary="Residual block that reweights its channels",
            target="netlab_squeeze_excite.block:SqueezeExciteBlock",
            options="netlab_squeeze_excite.options:SqueezeExciteOptions",
        )

This module imports only the standard library and pluggy, so that a plugin's declaration stays light.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from netlab.kinds.events import ReportSection, RunInfo

API_VERSION = 1
ENTRY_POINT_GROUP = f"netlab.v{API_VERSION}"

hookspec = pluggy.HookspecMarker("netlab")
hookimpl = pluggy.HookimplMarker("netlab")


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """One part that a user can choose by name.

    ``target`` and ``options`` are ``"module:attribute"`` strings, imported only when the part is
    used (``target``) or its flags are shown (``options``).

    Tags that the engine reads: ``default`` (the part of its kind that is used when none is named;
    honoured only from netlab's own distribution), ``stride`` (a block that accepts ``stride``), ``epoch`` (an
    augmentation that accepts ``epoch``),
    ``variants`` (a part that stands for many: ``NAME:VARIANT`` on the command line sets its option
    ``variant``), ``pretrained`` (a backbone that comes with weights), ``default-pretrained`` (the recipe that
    is used with such a one when none is named), ``regions`` (a detector of proposer, extractor and head),
    ``default-regions`` (the one of these that is used when a proposer is named, and no detector),
    ``default-files`` (the data set that reads what ``netlab data show`` is given); of metrics
    ``reference``, ``layers``, ``targets``, ``unlabelled`` (what they need), ``range:LOW:HIGH`` (the range of
    the value, open where empty) and
    ``better:higher``, ``better:lower`` or ``better:neither`` (which way is better; every metric says so); of
    blocks and backbones ``ignores:norm``, ``ignores:activation``, ``ignores:block`` (they have no place for
    one), ``own-norms`` (with the norm ``none`` it keeps norms of its own). Other tags are free.
    """

    kind: str  # "block", "norm", "backbone", "dataset", ... or a plugin's own kind
    name: str  # what a user types: "grouped"
    summary: str  # one line, shown in lists and in --help
    target: str  # "netlab_builtin.blocks.grouped:GroupedPathBlock"
    options: str | None = None  # "netlab_builtin.blocks.options:GroupedPathOptions", a pydantic model
    reference: str = ""  # paper or page
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KindSpec:
    """One kind of component: netlab's own, or one that a plugin defines by ``netlab_kinds``.

    A part of a plugin's own kind is chosen by an option of another part, see ``PartOf``; netlab itself has
    flags for its own kinds only. ``contract`` and ``checks`` are ``"module:attribute"`` strings: a Protocol
    whose ``__call__`` says how a part of the kind is called and what it gives, and a tuple of functions
    ``check(subject)`` that the conformance kit runs after those of every kind.
    """

    name: str  # "attention"
    plural: str  # "attentions"
    summary: str  # one line: "weighs the channels of a feature map"
    contract: str  # "netlab_attention.contract:Attention"
    checks: str | None = None  # "netlab_attention.checks:CHECKS"
    selector: str = ""  # the flag and the table in a TOML file; of netlab's own kinds only

    def __post_init__(self) -> None:
        if not self.selector:
            object.__setattr__(self, "selector", self.name)


@dataclass(frozen=True, slots=True)
class PartOf:
    """Says of which kind the part is that an option names.

    ``attention: Annotated[ChosenPart, PartOf("attention")] = Field("eca", validate_default=True, ...)``:
    the user names it, ``--block.attention eca``, and gives its options, ``--block.attention.k 3``; the
    component finds a ``netlab.kinds.chosen_part.ChosenPart`` in its options, which it calls as the kind's
    contract says.
    """

    kind: str


@hookspec
def netlab_kinds() -> Iterable[KindSpec]:  # type: ignore[empty-body]
    """Define kinds of components beside netlab's own.

    Called once, before the components of any plugin are collected, so that other plugins may offer parts of
    the kind. One that is malformed, or whose name netlab or another plugin has already, is reported in phase
    ``register`` and left out.
    """


@hookspec
def netlab_components() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Declare this plugin's components.

    Called once, before any heavy module is imported. What it gives is kept until one of the files changes
    that were read meanwhile, and must depend on nothing else: no variable, no time, no device.
    What is no valid ``ComponentSpec``, or is of an unknown kind, is reported in phase ``register`` and left
    out; so are two of the same kind and name. The plugin's other components remain. A plugin that raises
    here is reported as failed, and none of its components is listed.
    """


@hookspec
def netlab_settings() -> str:  # type: ignore[empty-body]
    """Say which settings this plugin's hooks have: ``"module:Model"``, a pydantic model.

    Called and kept as ``netlab_components`` is. A user gives values in ``[plugins.NAME]`` of ``netlab.toml``
    or of the file of ``--config``, or by ``--set NAME.OPTION=VALUE``. The other hooks of the plugin are given
    the model as ``settings``; it is None where a plugin does not implement this hook. A run records the
    settings in its ``config.toml``, secrets (``pydantic.SecretStr``) apart.
    """


@hookspec
def netlab_run_started(run: RunInfo, settings: Any) -> None:
    """A training run is about to start or to resume.

    Called once a process, after the run directory and its ``config.toml`` exist and before the first
    epoch. An exception raised here is reported and does not stop the run, whose command then ends with exit
    code 3.
    """


@hookspec
def netlab_epoch_finished(run: RunInfo, epoch: int, values: Mapping[str, float], settings: Any) -> None:
    """An epoch of a training run ended.

    Called after the epoch's row of ``history.csv`` and its checkpoint are written. An exception raised here
    is reported and does not stop the run, whose command then ends with exit code 3. ``epoch`` counts from 1.
    ``values`` is the row just added to ``history.csv``: among others ``train_loss``, ``train_accuracy``,
    ``val_loss``, ``val_accuracy``, ``lr`` and ``seconds``.
    """


@hookspec
def netlab_run_finished(run: RunInfo, settings: Any) -> None:
    """A training run ended.

    Called once, after ``result.json`` is written; not when a run is interrupted. An exception raised here is
    reported, and the command then ends with exit code 3.
    """


@hookspec
def netlab_report_sections(runs: Sequence[Path], settings: Any) -> Iterable[ReportSection]:  # type: ignore[empty-body]
    """Add sections to ``netlab report``.

    Called once a report with the run directories in it. Each section's HTML is shown after the
    built-in ones, in the order of the plugins' names.
    """


@hookspec
def netlab_commands() -> Iterable[tuple[str, str, str]]:  # type: ignore[empty-body]
    """Add commands to ``netlab``: yield ``(name, help, "module:function")``.

    Called and kept as ``netlab_components`` is. The function is a Typer command function, imported only when
    its command is called. A name that netlab itself uses is
    reported as a failure of the plugin and left out; its other commands remain.
    """


def split_target(target: str) -> tuple[str, str]:
    """Split ``"module:attribute"``.

    Raises:
        ValueError: if the text has no module, no attribute, or more than one colon.
    """
    module, colon, attribute = target.partition(":")
    if not colon or not module or not attribute or ":" in attribute:
        raise ValueError(f"{target!r} is not of the form 'package.module:attribute'")
    return module, attribute


def load_target(target: str) -> Any:
    """Import the module named in ``"module:attribute"`` and return the attribute."""
    import importlib

    module, attribute = split_target(target)
    value: Any = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value
