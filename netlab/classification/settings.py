"""What a training run can be told, and the recipes that give the values which nobody told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from netlab.errors import UsageError, closest
from netlab.kinds.dataset import ImageData

Schedule = Literal["one-cycle", "cosine", "step", "constant"]


def fits(text: str) -> dict[str, JsonValue]:
    """What --help says of a default that depends on the data."""
    return {"shown_default": text}


class TrainingSettings(BaseModel):
    """Every value of the training itself; the table ``[training]`` of ``config.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    recipe: Literal["fast", "report"] = Field(
        "fast", description="Where values that are not given come from."
    )
    epochs: int = Field(
        16, ge=1, description="Passes over the training images.", json_schema_extra=fits("12 to 16")
    )
    batch_size: int = Field(
        128, ge=1, description="Images a step.", json_schema_extra=fits("128, fewer of few images")
    )
    lr: float = Field(0.1, gt=0, description="Learning rate: the peak of the schedule.")
    schedule: Schedule = Field("one-cycle", description="How the learning rate changes over the steps.")
    warmup: float = Field(0.25, ge=0, le=1, description="one-cycle: share of the steps until the peak.")
    step_size: int = Field(50, ge=1, description="step: epochs between two drops.")
    gamma: float = Field(0.1, gt=0, le=1, description="step: factor of a drop.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum of SGD.")
    nesterov: bool = Field(True, description="Nesterov's momentum.")
    weight_decay: float = Field(
        5e-4, ge=0, description="L2 penalty on the weights of convolutions and dense layers."
    )
    clip: float = Field(1.0, ge=0, description="Scale gradients down to at most this norm; 0: never.")
    label_smoothing: float = Field(
        0.1, ge=0, lt=1, description="Share of the target spread over all classes."
    )
    hflip: bool = Field(True, description="Flip half of the training images left to right.")
    vflip: bool = Field(False, description="Flip half of the training images upside down.")
    translation: int = Field(
        4, ge=0, description="Shift training images by up to so many pixels.",
        json_schema_extra=fits("4 in 32"),
    )  # fmt: skip
    rotation: float = Field(0.0, ge=0, le=180, description="Turn training images by up to so many degrees.")
    normalize: Literal["dataset", "half"] = Field(
        "dataset", description="Mean and deviation of the training images, or .5 and .5."
    )
    channels_last: bool = Field(True, description="Keep channels last in memory, which convolutions like.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="bf16 autocast or float32; auto is bf16 where the processor has it."
    )
    patience: int = Field(
        0, ge=0, description="Stop after so many epochs without a better validation; 0: never."
    )
    validation: float = Field(0.1, gt=0, lt=1, description="Share of the training images held out.")
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of weights, order and augmentation.")
    split_seed: int = Field(0, ge=0, lt=2**63, description="Seed of the validation split.")
    compile: bool = Field(False, description="Use torch.compile (needs a C++ compiler).")
    deterministic: bool = Field(False, description="Only deterministic algorithms, also on CUDA.")


# Values that may differ when a run is resumed: they do not change what has been learnt.
RESUMABLE = frozenset({"epochs", "patience"})

RECIPES: dict[str, dict[str, Any]] = {
    # SGD with one linear cycle, the defaults above; epochs depend on the data (see fitting_epochs).
    "fast": {},
    # As in the report: 100 epochs of SGD, the rate divided by ten after 50; nothing but float32.
    "report": {
        "epochs": 100,
        "batch_size": 128,
        "lr": 0.01,
        "schedule": "step",
        "step_size": 50,
        "gamma": 0.1,
        "nesterov": False,
        "weight_decay": 0.0,
        "clip": 0.0,
        "label_smoothing": 0.0,
        "hflip": True,
        "vflip": True,
        "translation": 0,
        "rotation": 15.0,
        "normalize": "half",
        "precision": "fp32",
    },
}

AUGMENTATION_SETTINGS = {
    "horizontal-flip": "hflip",
    "vertical-flip": "vflip",
    "translation": "translation",
    "rotation": "rotation",
}


def fitting_epochs(training_images: int) -> int:
    """Epochs of the recipe 'fast': about 700,000 images seen, between 12 and 16 epochs.

    More epochs of a small data set gain little: the digits are learnt after 10.
    """
    return min(max(round(700_000 / max(training_images, 1)), 12), 16)


def resolve_settings(given: Mapping[str, Any], data: ImageData, training_images: int) -> TrainingSettings:
    """Defaults < recipe < what was given, fitted to the data.

    The number of epochs (recipe 'fast') and the translation (4 pixels of 32) fit the images; an
    augmentation that does not keep the labels is off unless it was asked for, and then refused.

    Raises:
        UsageError: an unknown key (with the closest), a value out of range, or an augmentation that
            the data set does not allow.
    """
    for key in given:
        if key not in TrainingSettings.model_fields:
            raise UsageError(f"[training] has no key '{key}'.{closest(key, TrainingSettings.model_fields)}")
    recipe = str(given.get("recipe", TrainingSettings.model_fields["recipe"].default))
    if recipe not in RECIPES:
        raise UsageError(
            f"there is no recipe '{recipe}'.{closest(recipe, RECIPES)} Known: {', '.join(RECIPES)}"
        )
    fitted: dict[str, Any] = {
        "translation": round(4 * min(data.train.images.shape[-2:]) / 32),
        "batch_size": min(128, max(16, training_images // 20)),
        "epochs": fitting_epochs(training_images),
    }
    values = {**fitted, **RECIPES[recipe], **given}
    for augmentation, key in AUGMENTATION_SETTINGS.items():
        if augmentation in data.augmentations:
            continue
        if given.get(key):
            allowed = ", ".join(sorted(data.augmentations)) or "none"
            raise UsageError(
                f"{key.replace('_', '-')} would change the labels of this data set; it allows: {allowed}"
            )
        values[key] = 0 if key in ("translation", "rotation") else False
    return validated(values)


def split_settings(given: Mapping[str, Any]) -> tuple[float, int]:
    """The share of the validation split and its seed, which are needed before the rest is known."""
    settings = validated({key: given[key] for key in ("validation", "split_seed") if key in given})
    return settings.validation, settings.split_seed


def validated(values: Mapping[str, Any]) -> TrainingSettings:
    """The settings, or one line that names the flag."""
    try:
        return TrainingSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = str(first["loc"][0]).replace("_", "-") if first["loc"] else "training"
        raise UsageError(f"--{where} {first['input']}: {first['msg']}") from None
