"""What ``model.toml`` says of a detector: a schema, so that nothing else than a detector is read from it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from netlab.errors import NetlabError

FORMAT = "netlab-detector-3"
LARGEST_SIDE = 8192  # pixels, of an image as it goes through the extractor
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]
Triple = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
Positive = Annotated[FiniteFloat, Field(gt=0)]


class Table(BaseModel):
    """Of one type each, without keys that nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DetectionTable(Table):
    """Which boxes are kept; ``confidence`` is the least score by class name."""

    confidence: dict[str, Share]
    iou: Share
    max_detections: int = Field(ge=1, le=100_000)


class RegionDetectionTable(DetectionTable):
    """Of a detector made of regions."""

    refinements: int = Field(ge=0, le=10)
    fit_power: FiniteFloat = Field(ge=0, le=10)


class PreprocessingTable(Table):
    """From an image to what the network takes: ``image_side`` is its longer side in pixels."""

    colour: Literal["RGB"]
    image_side: Side


class RegionPreprocessingTable(PreprocessingTable):
    """Mean and deviation of RGB from 0 to 1; the side of a crop in pixels."""

    mean: Triple
    std: tuple[Positive, Positive, Positive]
    crop_size: Side


class PartTable(Table):
    """The part that was used."""

    name: str = Field(min_length=1)
    options: dict[str, Any]


class SupplierTable(Table):
    """Who supplied a part, see ``netlab.engine.provenance.Supplier``."""

    kind: str
    name: str
    plugin: str
    distribution: str
    version: str
    sha256: str = Field(pattern="^([0-9a-f]{64})?$")


class ProposerTable(PartTable):
    """A proposer, and how images are given to it: sizes in pixels."""

    long_side: int = Field(ge=0, le=LARGEST_SIDE)
    min_side: FiniteFloat = Field(ge=0)
    seed: int = Field(ge=0)
    limit: int = Field(ge=1, le=1_000_000)


class ExtractorTable(PartTable):
    """An extractor; ``weights`` says in words where they came from."""

    weights: str


class TrunkTable(ExtractorTable):
    """The extractor that a network was built on, with the mean and deviation of RGB that it expects."""

    mean: Triple
    std: tuple[Positive, Positive, Positive]


class PoolTable(Table):
    """See ``features.Pool``."""

    stage: int = Field(ge=0, le=1000)
    size: int = Field(ge=1, le=100)
    grow: Positive


class FeaturesTable(Table):
    """How regions are described."""

    way: Literal["roialign", "crop"]
    pools: Annotated[list[PoolTable], Field(min_length=1)]


class Description(Table):
    """What every ``model.toml`` holds."""

    format: Literal["netlab-detector-3"]
    classes: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    detection: DetectionTable
    detector: PartTable
    preprocessing: PreprocessingTable
    suppliers: list[SupplierTable]

    @model_validator(mode="after")
    def _classes_agree(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("'classes' names a class twice")
        if set(self.detection.confidence) != set(self.classes):
            raise ValueError("'detection.confidence' must have a value for each of the classes")
        return self


class RegionDescription(Description):
    """All of a detector that is made of regions."""

    detection: RegionDetectionTable
    preprocessing: RegionPreprocessingTable
    proposer: ProposerTable
    extractor: ExtractorTable
    features: FeaturesTable


class NetworkDescription(Description):
    """All of a detector that is one network; without ``extractor`` where it is built on none."""

    extractor: TrunkTable | None = None


def description_of(content: dict[str, Any], where: object) -> RegionDescription | NetworkDescription:
    """The content of a ``model.toml``, checked; ``where`` names the file.

    Raises:
        NetlabError: naming the first key that is missing, unknown or out of range.
    """
    if content.get("format") != FORMAT:
        raise NetlabError(f"{where} has format {content.get('format')!r:.60}, not {FORMAT!r}")
    schema: type[RegionDescription | NetworkDescription]
    schema = RegionDescription if "proposer" in content else NetworkDescription
    try:
        return schema.model_validate(_with_tuples(content))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        problem = first["msg"].removeprefix("Value error, ")
        raise NetlabError(f"{where} is damaged: {f'{key}: ' if key else ''}{problem}") from None


def _with_tuples(content: dict[str, Any]) -> dict[str, Any]:
    """TOML has lists only; where the schema has tuples they become some, so that types can be strict."""
    changed = dict(content)
    for name in ("preprocessing", "extractor"):
        if isinstance(table := content.get(name), dict):
            triples = {key: tuple(table[key]) for key in ("mean", "std") if isinstance(table.get(key), list)}
            changed[name] = table | triples
    return changed
