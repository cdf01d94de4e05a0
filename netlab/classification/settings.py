"""What a training run can be told beside its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from netlab.engine.option_types import Seed
from netlab.errors import UsageError, closest

if TYPE_CHECKING:
    from netlab.data.split import SplitRule
    from netlab.data.views import Views

Learning = Annotated[str, StringConstraints(pattern=r"^(head|all|blocks:[0-9]{1,4})$")]


def fits(text: str) -> dict[str, JsonValue]:
    """What --help says of a default that depends on the data."""
    return {"shown_default": text}


MOST_IMAGES = 1_000_000  # a step: more is a slip of the hand
MOST_FLOAT = 3e38  # what PyTorch can make float32 of


class TrainingSettings(BaseModel):
    """Every value of the training itself; the table ``[training]`` of ``config.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int = Field(
        16, ge=1, description="Passes over the training images.", json_schema_extra=fits("12 to 16")
    )
    batch_size: int = Field(
        128,
        ge=1,
        le=MOST_IMAGES,
        description="Images a step.",
        json_schema_extra=fits("128, fewer of few images"),
    )
    lr: float = Field(0.1, gt=0, le=MOST_FLOAT, description="Learning rate: the peak of the schedule.")
    weight_decay: float = Field(
        5e-4, ge=0, le=MOST_FLOAT, description="L2 penalty on the weights of convolutions and dense layers."
    )
    clip: float = Field(
        1.0, ge=0, le=MOST_FLOAT, description="Scale gradients down to at most this norm; 0: never."
    )
    normalize: Literal["dataset", "half", "weights"] = Field(
        "dataset",
        description="Mean and deviation of the training images, .5 and .5, or those of the weights.",
    )
    channels_last: bool = Field(True, description="Keep channels last in memory, which convolutions like.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="bf16 autocast or float32; auto is bf16 where the processor has it."
    )
    choose: Literal["epoch", "phase"] = Field(
        "epoch",
        description="What validation chooses: an epoch, or the end of a phase (the head alone, then more).",
    )
    patience: int = Field(
        0, ge=0, description="Stop after so many epochs without a better validation; 0: never."
    )
    validation: float = Field(0.1, gt=0, lt=1, description="Share of the training images held out.")
    weights: str | None = Field(
        None,
        description="Where a pretrained backbone starts: imagenet, none, or a safetensors or .pth file.",
        json_schema_extra=fits("imagenet"),
    )
    train: Learning = Field("all", description="Which layers learn: head, blocks:N (and the last N), all.")
    head_epochs: int = Field(0, ge=0, description="So many epochs, the first, train the head alone.")
    trunk_rate: float = Field(
        1.0, gt=0, le=1, description="Learning rate of the pretrained layers, times that of the head."
    )
    layer_rate: float = Field(
        1.0, gt=0, le=1, description="Rate of each of them, times that of the layer after it."
    )
    views: int = Field(
        1, ge=1, description="Augmentations of an image that frozen layers see; epochs take turns."
    )
    early_size: int = Field(
        0, ge=0, description="Shorter side in pixels of the images of the first epochs; 0: as they are."
    )
    early_share: float = Field(0.5, ge=0, le=1, description="Share of the epochs that see them so.")
    mirror: bool = Field(False, description="Test and predict by the mean of an image and its mirror image.")
    shift: int = Field(
        0, ge=0, description="Also of the image moved so many pixels along a diagonal, both ways; 0: not."
    )
    class_weights: Literal["equal", "balanced"] = Field(
        "equal",
        description="Balanced: an image counts the more, the rarer its class is.",
    )
    sampling: Literal["uniform", "balanced"] = Field(
        "uniform", description="Balanced: every class is seen as often as the others in an epoch."
    )
    seed: Seed = 0
    split_seed: int = Field(0, ge=0, lt=2**63, description="Seed of the validation split and of folds.")
    folds: int = Field(0, ge=0, description="Cross-validation: stratified parts of the data; 0: none.")
    fold: int = Field(0, ge=0, description="The part that is tested on, from 0; the others are trained on.")
    compile: bool = Field(False, description="Use torch.compile (needs a C++ compiler).")
    deterministic: bool = Field(False, description="Only deterministic algorithms, also on CUDA.")

    @property
    def views_in_use(self) -> Views:
        """How an image is seen when the network is tested and used."""
        from netlab.data.views import Views

        return Views(self.mirror, self.shift)

    @property
    def early_epochs(self) -> int:
        """How many epochs, the first, see smaller images."""
        return int(self.early_share * self.epochs) if self.early_size else 0


# Values that may differ when a run is resumed: they do not change what has been learnt.
RESUMABLE = frozenset({"epochs", "patience"})


def split_rule(given: Mapping[str, Any]) -> SplitRule:
    """How the data is split, which is needed before the rest of ``[training]`` is known.

    Raises:
        UsageError: a value out of range, or a fold of no folds.
    """
    from netlab.data.folds import Folds  # needs PyTorch, which --help does not wait for
    from netlab.data.split import SplitRule

    keys = ("validation", "split_seed", "folds", "fold")
    settings = make_settings({key: given[key] for key in keys if key in given})
    if settings.fold and not settings.folds:
        raise UsageError(f"--fold {settings.fold} needs --folds, the number of them")
    folds = Folds(settings.folds, settings.fold, settings.split_seed) if settings.folds else None
    return SplitRule(settings.validation, settings.split_seed, folds)


def make_settings(values: Mapping[str, Any]) -> TrainingSettings:
    """The settings with these values.

    Raises:
        UsageError: an unknown key (with the closest), or a value out of range, by its flag.
    """
    for key in values:
        if key not in TrainingSettings.model_fields:
            raise UsageError(f"[training] has no key '{key}'.{closest(key, TrainingSettings.model_fields)}")
    try:
        return TrainingSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = str(first["loc"][0]).replace("_", "-") if first["loc"] else "training"
        raise UsageError(f"--{where} {first['input']}: {first['msg']}") from None
