"""Settings: defaults < recipe < file < flags, fitted to the data."""

from __future__ import annotations

import pytest
import torch

from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData, LabelledImages
from netlab.training.schedule import learning_rate
from netlab.training.settings import RECIPES, TrainingSettings, fitting_epochs, resolve_settings


def data(size: int = 32, augmentations: tuple[str, ...] = ("horizontal-flip", "translation")) -> ImageData:
    part = LabelledImages(torch.zeros(4, 3, size, size, dtype=torch.uint8), torch.arange(4) % 2)
    return ImageData(part, part, ("a", "b"), frozenset(augmentations))


def test_flags_win_over_the_file_and_the_file_over_the_recipe() -> None:
    settings = resolve_settings({"recipe": "report", "lr": 0.5, "momentum": 0.5}, {"lr": 0.7}, data(), 45_000)
    assert (settings.lr, settings.momentum, settings.epochs) == (0.7, 0.5, 100)


def test_the_report_recipe_is_the_reports_protocol() -> None:
    every = ("horizontal-flip", "vertical-flip", "translation", "rotation")
    settings = resolve_settings({}, {"recipe": "report"}, data(augmentations=every), 45_000)
    assert (settings.lr, settings.momentum, settings.nesterov) == (0.01, 0.9, False)
    assert (settings.schedule, settings.step_size, settings.gamma) == ("step", 50, 0.1)
    assert (settings.batch_size, settings.epochs) == (128, 100)
    assert (settings.hflip, settings.vflip, settings.rotation) == (True, True, 15.0)
    assert (settings.normalize, settings.precision, settings.label_smoothing) == ("half", "fp32", 0.0)


def test_an_augmentation_that_changes_labels_is_off_and_refused() -> None:
    digits = data(augmentations=("translation",))
    settings = resolve_settings({}, {}, digits, 1000)
    assert not settings.hflip
    assert settings.translation == 4
    with pytest.raises(UsageError, match="hflip would change the labels.*allows: translation"):
        resolve_settings({}, {"hflip": True}, digits, 1000)


def test_unknown_keys_get_the_closest() -> None:
    with pytest.raises(UsageError, match="no key 'epoch'. Did you mean 'epochs'"):
        resolve_settings({"epoch": 3}, {}, data(), 100)
    with pytest.raises(UsageError, match="no recipe 'raport'. Did you mean 'report'"):
        resolve_settings({"recipe": "raport"}, {}, data(), 100)


def test_a_value_out_of_range_names_its_flag() -> None:
    with pytest.raises(UsageError, match="--batch-size 0"):
        resolve_settings({}, {"batch_size": 0}, data(), 100)


def test_recipes_only_hold_known_keys() -> None:
    for recipe in RECIPES.values():
        assert recipe.keys() <= TrainingSettings.model_fields.keys()


def test_epochs_fit_the_number_of_images() -> None:
    assert fitting_epochs(1_300) == 16
    assert fitting_epochs(45_000) == 16
    assert fitting_epochs(1_000_000) == 12


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing() -> None:
    settings = TrainingSettings(epochs=4, lr=0.2, warmup=0.25)
    rates = [learning_rate(settings, step, 10) for step in range(40)]
    assert max(rates) == rates[9] == pytest.approx(0.2)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01


def test_step_schedule_drops_after_step_size_epochs() -> None:
    settings = TrainingSettings(epochs=4, lr=1.0, schedule="step", step_size=2, gamma=0.1)
    assert [learning_rate(settings, epoch * 5, 5) for epoch in range(4)] == pytest.approx([1, 1, 0.1, 0.1])


def test_cosine_equals_pytorchs() -> None:
    settings = TrainingSettings(epochs=2, lr=0.3, schedule="cosine")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for step in range(10):
        assert learning_rate(settings, step, 5) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
