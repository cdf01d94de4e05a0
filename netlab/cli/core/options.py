"""The options that several commands have, each defined once; a command's model takes them as its bases.

pydantic is imported only with a command that is called, as its module imports this one.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """The options of a command. ``PANEL`` is the panel of the help in which a class's own fields stand."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)
    PANEL: ClassVar[str] = "Options"


class RunsFolder(Options):
    runs: Path = Field(Path("runs"), description="Where runs are kept.")


class DetectorsFolder(Options):
    runs: Path = Field(Path("detectors"), description="Where detectors are kept.")


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


class DataFolder(Offline):
    data_dir: Path = Field(Path("data"), description="Where data sets are kept.")


class DataFolderOfRun(Offline):
    data_dir: Path | None = Field(None, description="Where data sets are kept: as in the run.")


class ProposalCache(Options):
    cache: Path | None = Field(None, description="Where proposals are kept between calls.")
    no_cache: bool = Field(False, description="Keep no proposals.")

    @property
    def cache_folder(self) -> Path | None:
        """The folder chosen, the user's cache folder, or None."""
        from netlab.detection.proposals.cache import default_cache_folder

        return None if self.no_cache else self.cache or default_cache_folder()
