"""The feature extractors, against torchvision's own forward pass."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision import models

from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.kinds.extractor import FeatureMaps


def build(catalog: Catalog, text: str, weights: str = "none") -> FeatureMaps:
    component = catalog.find("extractor", text)
    maps: FeatureMaps = component.build(weights=weights, options=component.make_options({}))
    return maps


def run(maps: FeatureMaps, image: torch.Tensor) -> list[torch.Tensor]:
    outputs = []
    with torch.inference_mode():
        for stage in maps.stages:
            image = stage(image)
            outputs.append(image)
    return outputs


@pytest.mark.parametrize(
    ("text", "classifier", "features"),
    [
        ("mobilenet_v2", models.mobilenet_v2, lambda net: net.features),
        (
            "torchvision:resnet18",
            models.resnet18,
            lambda net: torch.nn.Sequential(*list(net.children())[:-2]),
        ),
        ("torchvision:squeezenet1_1", models.squeezenet1_1, lambda net: net.features),
    ],
)
def test_stages_together_are_torchvisions_features(
    catalog: Catalog, tmp_path: Path, text, classifier, features
):
    torch.manual_seed(0)
    network = classifier(weights=None).eval()
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    image = torch.randn(1, 3, 96, 128)
    maps = build(catalog, text, str(tmp_path / "weights.safetensors"))
    with torch.inference_mode():
        torch.testing.assert_close(run(maps, image)[-1], features(network)(image))


@pytest.mark.parametrize("text", ["mobilenet_v2", "torchvision:resnet18", "torchvision:convnext_tiny"])
def test_channels_and_strides_are_those_of_the_maps(catalog: Catalog, text: str):
    maps = build(catalog, text)
    for output, channels, stride in zip(
        run(maps, torch.zeros(1, 3, 128, 192)), maps.channels, maps.strides, strict=True
    ):
        assert output.shape == (1, channels, 128 // stride, 192 // stride)


def test_weights_of_the_features_alone_are_enough(catalog: Catalog, tmp_path: Path):
    state = {
        k: v for k, v in models.mobilenet_v2(weights=None).state_dict().items() if k.startswith("features")
    }
    torch.save(state, tmp_path / "features.pth")
    maps = build(catalog, "mobilenet_v2", str(tmp_path / "features.pth"))
    assert torch.equal(maps.stages[0].state_dict()["0.0.weight"], state["features.0.0.weight"])


def test_extractors_are_frozen_and_in_evaluation_mode(catalog: Catalog):
    maps = build(catalog, "mobilenet_v2")
    assert not any(p.requires_grad for stage in maps.stages for p in stage.parameters())
    assert not any(module.training for stage in maps.stages for module in stage.modules())


def test_a_missing_key_is_named(catalog: Catalog, tmp_path: Path):
    state = models.mobilenet_v2(weights=None).state_dict()
    del state["features.3.conv.0.0.weight"]
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match=r"features\.3\.conv\.0\.0\.weight"):
        build(catalog, "mobilenet_v2", str(tmp_path / "w.safetensors"))


def test_weights_of_another_network_are_refused(catalog: Catalog, tmp_path: Path):
    save_file(models.squeezenet1_1(weights=None).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match=r"does not fit"):
        build(catalog, "mobilenet_v2", str(tmp_path / "w.safetensors"))


def test_a_pickle_that_is_not_only_weights_is_not_loaded(catalog: Catalog, tmp_path: Path):
    torch.save({"hook": Path}, tmp_path / "w.pth")
    with pytest.raises(UsageError, match="weights-only"):
        build(catalog, "mobilenet_v2", str(tmp_path / "w.pth"))


def test_a_missing_weights_file_is_named(catalog: Catalog, tmp_path: Path):
    with pytest.raises(UsageError, match="nowhere"):
        build(catalog, "mobilenet_v2", str(tmp_path / "nowhere.safetensors"))


def test_an_unknown_classifier_gets_the_closest_name(catalog: Catalog):
    with pytest.raises(UsageError, match="resnet18"):
        build(catalog, "torchvision:resnet_18")


def test_a_classifier_without_a_feature_map_is_refused(catalog: Catalog):
    with pytest.raises(UsageError, match="no convolutional feature map"):
        build(catalog, "torchvision:vit_b_32")


@pytest.mark.parametrize("text", ["mobilenet_v2", "torchvision:resnet18"])
def test_random_weights_are_always_the_same_and_their_features_do_not_vanish(catalog: Catalog, text: str):
    image = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(3))
    torch.manual_seed(1)
    first = run(build(catalog, text), image)[-1]
    torch.manual_seed(2)
    assert torch.equal(first, run(build(catalog, text), image)[-1])
    assert 0.05 < first.std() < 20
