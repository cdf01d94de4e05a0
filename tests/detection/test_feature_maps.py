"""An extractor that gives what its contract does not promise is named when it is built."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from netlab.detection.model.feature_maps import built_maps
from netlab.engine.catalog import Catalog, Component
from netlab.engine.manager import PluginManager
from netlab.errors import PluginError, UsageError

CODE = """
import torch
from torch import nn
from netlab.kinds.extractor import FeatureMaps
from netlab.specs import ComponentSpec, hookimpl

class Stage(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3, 4, 1)

    def forward(self, x):
        {forward}
        return self.convolution(x)

def odd(*, weights, options):
    given = dict(stages=(Stage(),), channels=(8,), strides=(4,), mean=(.5, .5, .5), std=(.2, .2, .2),
                 crop_size=64, weights=weights)
    {change}
    return FeatureMaps(**given)

@hookimpl
def netlab_components():
    yield ComponentSpec("extractor", "odd", "An extractor", "odd_extractor:odd")
"""


@pytest.fixture
def extractor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(forward: str = "pass", change: str = "pass") -> Component:
        (tmp_path / "odd_extractor.py").write_text(CODE.format(forward=forward, change=change))
        manager = PluginManager(find=lambda: [EntryPoint("odd", "odd_extractor", "netlab.v1")])
        manager.load()
        return Catalog(manager).find("extractor", "odd")

    yield make
    sys.modules.pop("odd_extractor", None)


def test_a_sound_one_passes_and_is_in_training_mode_as_it_came(extractor) -> None:  # type: ignore[no-untyped-def]
    maps = built_maps(extractor(), None, "none")
    assert maps.channels == (8,)
    assert maps.stages[0].training


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (
            "return self.convolution(x)[:, 1:]",
            "stage 0 gave (1, 7, 32, 40) of one image, expected 8 channels",
        ),
        ("return self.convolution(x[..., ::4])", "but its stride is 4: expected about 32 x 40"),
        ("return self.convolution(x).long()", "stage 0 gave torch.int64, expected floats"),
        ("return self.convolution(x) / 0 * 0", "the maps of stage 0 are not finite"),
        ("return [self.convolution(x)]", "stage 0 gave list, not a tensor"),
        ("return self.convolution(x[:, :2])", "failed: RuntimeError"),
        ("raise SyntaxError('x')", "failed: SyntaxError: x"),
    ],
)
def test_stages_are_tried(extractor, forward: str, said: str) -> None:  # type: ignore[no-untyped-def]
    component = extractor(forward)
    with pytest.raises(PluginError) as refused:
        built_maps(component, None, "none")
    assert str(refused.value).startswith("extractor 'odd' of ? ?")
    assert said in str(refused.value)
    assert component.manager.failures


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("return None", "it gave NoneType, not FeatureMaps"),
        ("given.update(stages=Stage())", "stages is Stage, not a tuple"),
        ("given.update(strides=(4, 8))", "stages, channels and strides are 1, 1 and 2"),
        ("given.update(stages=(torch.relu,))", "stage 0 is builtin_function_or_method, not an nn.Module"),
        ("given.update(channels=(8.0,))", "whole numbers"),
        ("given.update(crop_size=True)", "whole numbers"),
        ("given.update(std=(.2, 0, .2))", "std is (0.2, 0, 0.2), expected three numbers"),
        ("given.update(mean=(.5, .5))", "mean is (0.5, 0.5), expected three numbers"),
        ("given.update(weights=None)", "weights is None, not a text"),
    ],
)
def test_fields_are_checked(extractor, change: str, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(PluginError, match="broke its contract: ") as refused:
        built_maps(extractor(change=change), None, "none")
    assert said in str(refused.value)


def test_weights_of_the_user_that_are_not_finite_are_not_the_plugins_failure(extractor) -> None:  # type: ignore[no-untyped-def]
    component = extractor("return self.convolution(x) * float('nan')")
    with pytest.raises(UsageError, match="the weights mine.pth give values that are not finite"):
        built_maps(component, None, "mine.pth")
