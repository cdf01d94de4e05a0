"""The backbone 'torchvision', against torchvision's own forward pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from netlab.engine.catalog import Catalog, Part
from netlab.errors import UsageError
from netlab.kinds.backbone import Pretrained, Trunk
from netlab.network import assemble
from netlab.pretrained import PretrainedNetwork, with_head


def pretrained(catalog: Catalog, name: str, weights: str = "none", *, offline: bool = True) -> Pretrained:
    component = catalog.find("backbone", f"torchvision:{name}")
    found: Pretrained = component.build(weights=weights, offline=offline, options=component.make_options({}))
    return found


def network_of(catalog: Catalog, name: str, *, size: int = 64) -> PretrainedNetwork:
    component = catalog.find("backbone", f"torchvision:{name}")
    return with_head(component, pretrained(catalog, name), in_channels=3, image_size=(size, size), classes=3)


def averaged(network: Any) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), network)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("mobilenet_v2", lambda net: averaged(net.classifier)),
        ("mobilenet_v3_small", lambda net: averaged(net.classifier)),
        ("resnet18", lambda net: averaged(net.fc)),
        ("densenet121", lambda net: averaged(net.classifier)),
        ("shufflenet_v2_x0_5", lambda net: averaged(net.fc)),
        ("squeezenet1_1", lambda net: nn.Sequential(net.classifier, nn.Flatten())),
        ("regnet_y_400mf", lambda net: averaged(net.fc)),
        ("efficientnet_b0", lambda net: averaged(net.classifier)),
        ("mnasnet0_5", lambda net: averaged(net.classifier)),
        ("googlenet", lambda net: averaged(net.fc)),
        ("swin_t", lambda net: averaged(net.head)),
        ("vit_b_32", lambda net: net.heads),
    ],
)
def test_the_layers_are_those_of_torchvisions_forward(
    catalog: Catalog, tmp_path: Path, name: str, head: Any
) -> None:
    torch.manual_seed(0)
    keywords = {"init_weights": False} if name == "googlenet" else {}
    network = models.get_model(name, weights=None, **keywords).eval()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    trunk = pretrained(catalog, name, str(tmp_path / "w.safetensors")).make_trunk()
    assert isinstance(trunk, Trunk)
    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        features = nn.Sequential(*trunk.layers.values()).eval()(image)
        torch.testing.assert_close(head(network)(features), network(image), rtol=1e-4, atol=1e-5)
    assert features.shape[1] == trunk.features
    assert not any("." in layer for layer in trunk.layers)


def test_the_input_of_inception_is_torchvisions(catalog: Catalog) -> None:
    from netlab_builtin.extractors.classifier import InputOfInception

    network = models.googlenet(weights=None, init_weights=False, transform_input=True)
    image = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(InputOfInception()(image), network._transform_input(image))


def test_preprocessing_is_that_of_torchvisions_weights(catalog: Catalog) -> None:
    found = pretrained(catalog, "mobilenet_v2").preprocessing
    preset = models.MobileNet_V2_Weights.DEFAULT.transforms()
    assert (found.size, found.shorter) == (preset.crop_size[0], preset.resize_size[0]) == (224, 232)
    assert (list(found.mean), list(found.std)) == (preset.mean, preset.std)
    assert pretrained(catalog, "efficientnet_b0").preprocessing.resampling == "bicubic"


def test_a_fresh_head_says_nothing_and_random_weights_are_always_the_same(catalog: Catalog) -> None:
    first = network_of(catalog, "shufflenet_v2_x0_5")
    torch.manual_seed(5)
    second = network_of(catalog, "shufflenet_v2_x0_5")
    assert first.weights_sha256 == second.weights_sha256
    assert torch.equal(first.eval()(torch.randn(2, 3, 64, 64)), torch.zeros(2, 3))
    assert [name for name, _ in first.named_children()][first.trunk :] == ["standardize", "dense"]


def test_any_layer_can_be_the_first_that_is_run(catalog: Catalog) -> None:
    network = network_of(catalog, "shufflenet_v2_x0_5").eval()
    nn.init.normal_(network.dense.weight)
    image = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        whole = network(image)
        for first in range(1, network.trunk + 1):
            assert torch.equal(network(network.until(image, 0, first), first=first), whole)


def test_blocks_count_layers_with_weights_from_the_last(catalog: Catalog) -> None:
    network = network_of(catalog, "mobilenet_v2")
    names = [name for name, _ in network.named_children()]
    assert names[network.frozen_for("blocks:3")] == "features_16"
    assert network.frozen_for("blocks:0") == network.frozen_for("head") == network.trunk
    assert network.frozen_for("all") == 0
    with pytest.raises(UsageError, match="has 19 layers with weights"):
        network.frozen_for("blocks:20")


def test_frozen_layers_and_all_norms_of_a_partly_frozen_trunk_stay_in_evaluation_mode(
    catalog: Catalog,
) -> None:
    network = network_of(catalog, "mobilenet_v2")
    network.freeze(network.frozen_for("blocks:3"))
    network.train()
    modes = {name: layer.training for name, layer in network.named_children()}
    assert not modes["features_15"]
    assert modes["features_16"]
    assert modes["standardize"]
    norms = [
        m
        for layer in list(network)[: network.trunk]
        for m in layer.modules()
        if isinstance(m, nn.BatchNorm2d)
    ]
    assert not any(norm.training for norm in norms)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(torch.randn(4, 3, 64, 64)).sum().backward()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in changed} == {"standardize"}
    learning = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    assert learning == {"features_16", "features_17", "features_18", "dense"}
    network.freeze(0)
    assert all(norm.training for norm in norms)


def test_weights_of_another_network_are_refused_by_layer_in_one_line(
    catalog: Catalog, tmp_path: Path
) -> None:
    save_file(models.shufflenet_v2_x1_0(weights=None).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(UsageError) as refused:
        with_head(
            catalog.find("backbone", "torchvision:shufflenet_v2_x0_5"),
            pretrained(catalog, "shufflenet_v2_x0_5", str(tmp_path / "w.safetensors")),
            in_channels=3, image_size=(64, 64), classes=2,
        )  # fmt: skip
    assert "\n" not in str(refused.value)
    assert "w.safetensors does not fit shufflenet_v2_x0_5" in str(refused.value)
    assert "266 have another shape (conv5.0.weight is (1024, 464, 1, 1), expected (1024, 192, 1, 1)," in str(
        refused.value
    )


def test_a_file_may_lack_the_classifier_or_have_another(catalog: Catalog, tmp_path: Path) -> None:
    state = models.shufflenet_v2_x0_5(weights=None, num_classes=7).state_dict()
    save_file(state, tmp_path / "w.safetensors")
    trunk = pretrained(catalog, "shufflenet_v2_x0_5", str(tmp_path / "w.safetensors")).make_trunk()
    assert trunk.weights == "w.safetensors"
    assert torch.equal(trunk.layers["conv1_0"].weight, state["conv1.0.weight"])  # type: ignore[arg-type]


def test_offline_imagenet_weights_that_are_not_there_say_where_they_should_be(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    component = catalog.find("backbone", "torchvision:resnet18")
    with pytest.raises(UsageError, match=r"not at .*checkpoints.resnet18-.*--offline: give a file"):
        component.call(pretrained(catalog, "resnet18", "imagenet").make_trunk)


def test_grey_images_and_unknown_names_are_refused(catalog: Catalog) -> None:
    component = catalog.find("backbone", "torchvision:resnet18")
    others = {
        kind: Part(catalog.default(kind), catalog.default(kind).make_options({}))
        for kind in ("block", "norm", "activation")
    }
    parts = {**others, "backbone": Part(component, component.make_options({}))}
    with pytest.raises(UsageError, match="takes images in colour"):
        assemble(parts, in_channels=1, image_size=(64, 64), classes=2)
    with pytest.raises(UsageError, match="did you mean resnet18"):
        pretrained(catalog, "resnet_18")
