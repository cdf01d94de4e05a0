"""The options that several commands have, each defined once; a command's model takes them as its bases.

pydantic is imported only with a command that is called, as its module imports this one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from netlab.cli.core.console import warn
from netlab.cli.core.flags import Argument
from netlab.engine.option_types import Seed

if TYPE_CHECKING:
    from netlab.training.resume import ResumeRules


def split_names(given: str | list[str]) -> list[str]:
    """``cat,dog`` or ``--classes cat,dog --classes bird`` as names."""
    texts = [given] if isinstance(given, str) else given
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


Names = Annotated[list[str], AfterValidator(split_names)]  # given one by one or separated by commas
PathOrNone = TypeVar("PathOrNone", Path, Path | None)

# A file or a folder, as the command says by its metavar; its default is the command's own.
Out = Annotated[PathOrNone, Field(description="Where to write the result.")]


class Options(BaseModel):
    """The options of a command. ``PANEL`` is the panel of the help in which a class's own fields stand."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)
    PANEL: ClassVar[str] = "Options"


class RunsFolder(Options):
    runs: Path = Field(Path("runs"), description="Where runs are kept.")


class OneRun(RunsFolder):
    run: str | None = Field(None, description="A run's name or path. Default: the newest finished.")


class Baseline(Options):
    baseline: str | None = Field(
        None,
        description="What the others are compared to: an assembly's name in the table, or one of its runs."
        " Default: the first.",
    )


class DetectorsFolder(Options):
    detectors: Path = Field(Path("detectors"), description="Where detectors are kept.")


class Named(Options):
    name: str | None = Field(None, description="What it is called: the name of its folder.")


class Device(Options):
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")


class Json(Options):
    as_json: bool = Field(False, alias="json", description="Print JSON.")


class Quiet(Options):
    quiet: bool = Field(False, description="Print only the result, as JSON.")


class Offline(Options):
    offline: bool = Field(False, description="Download nothing.")


class DataFolder(Options):
    data_dir: Path | None = Field(
        None, description="Where data sets are kept. Default: where a run or file says, else data."
    )

    @property
    def data_folder(self) -> Path:
        """The folder chosen, or the default where no run or file says another."""
        return self.data_dir or Path("data")


class Seeded(Options):
    seed: Seed = 0


class Threads(Options):
    threads: int | None = Field(
        None, ge=1, description="Processor threads of each process. Default: all, shared out."
    )


class ManyImages(Options):
    sources: Annotated[list[str], Argument("SOURCE...")] = Field(
        description="Images, videos, folders or globs."
    )
    every: int = Field(1, ge=1, description="Of videos, every n-th frame.")


class ChangedParts(Options):
    accept_changed_parts: bool = Field(
        False, description="Use parts whose code has changed since the training; recorded."
    )

    @property
    def accept_changed(self) -> Callable[[str], None] | None:
        """What is told of changed parts; None refuses them."""
        return warn if self.accept_changed_parts else None


class Resumed(ChangedParts):
    """Of the commands that train, and go on with a run that is there."""

    strict_resume: bool = Field(
        False, description="Go on only where versions, processor, threads and parts are as they were."
    )

    @property
    def rules(self) -> ResumeRules:
        from netlab.training.resume import ResumeRules

        return ResumeRules(self.accept_changed_parts, self.strict_resume)


class ProposalCache(Options):
    cache: Path | None = Field(None, description="Where proposals are kept between calls.")
    no_cache: bool = Field(False, description="Keep no proposals.")

    @property
    def cache_folder(self) -> Path | None:
        """The folder chosen, the user's cache folder, or None."""
        from netlab.data.cache import default_cache_folder

        return None if self.no_cache else self.cache or default_cache_folder()
