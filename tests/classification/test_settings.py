"""Settings: defaults < recipe < what is given, fitted to the data."""

from __future__ import annotations

import pytest
import torch

from netlab.classification.settings import RECIPES, TrainingSettings, fitting_epochs, resolve_settings
from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData, LabelledImages


def data(size: int = 32, augmentations: tuple[str, ...] = ("horizontal-flip", "translation")) -> ImageData:
    part = LabelledImages(torch.zeros(4, 3, size, size, dtype=torch.uint8), torch.arange(4) % 2)
    return ImageData(part, part, ("a", "b"), frozenset(augmentations))


def test_what_is_given_wins_over_the_recipe() -> None:
    settings = resolve_settings({"recipe": "report", "momentum": 0.5}, data(), 45_000)
    assert (settings.lr, settings.momentum, settings.epochs) == (0.01, 0.5, 100)


def test_the_report_recipe_is_the_reports_protocol() -> None:
    every = ("horizontal-flip", "vertical-flip", "translation", "rotation")
    settings = resolve_settings({"recipe": "report"}, data(augmentations=every), 45_000)
    assert (settings.lr, settings.momentum, settings.nesterov) == (0.01, 0.9, False)
    assert (settings.schedule, settings.step_size, settings.gamma) == ("step", 50, 0.1)
    assert (settings.batch_size, settings.epochs) == (128, 100)
    assert (settings.hflip, settings.vflip, settings.rotation) == (True, True, 15.0)
    assert (settings.normalize, settings.precision, settings.label_smoothing) == ("half", "fp32", 0.0)


def test_an_augmentation_that_changes_labels_is_off_and_refused() -> None:
    digits = data(augmentations=("translation",))
    settings = resolve_settings({}, digits, 1000)
    assert not settings.hflip
    assert settings.translation == 4
    with pytest.raises(UsageError, match="hflip would change the labels.*allows: translation"):
        resolve_settings({"hflip": True}, digits, 1000)


def test_unknown_keys_get_the_closest() -> None:
    with pytest.raises(UsageError, match="no key 'epoch'. Did you mean 'epochs'"):
        resolve_settings({"epoch": 3}, data(), 100)
    with pytest.raises(UsageError, match="no recipe 'raport'. Did you mean 'report'"):
        resolve_settings({"recipe": "raport"}, data(), 100)


def test_a_value_out_of_range_names_its_flag() -> None:
    with pytest.raises(UsageError, match="--batch-size 0"):
        resolve_settings({"batch_size": 0}, data(), 100)


def test_recipes_only_hold_known_keys() -> None:
    for recipe in RECIPES.values():
        assert recipe.keys() <= TrainingSettings.model_fields.keys()


def test_epochs_fit_the_number_of_images() -> None:
    assert fitting_epochs(1_300) == 16
    assert fitting_epochs(45_000) == 16
    assert fitting_epochs(1_000_000) == 12
