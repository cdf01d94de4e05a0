"""Assembly: the report's networks to the parameter, and any block and norm in any backbone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from netlab.engine.catalog import Catalog, Part
from netlab.errors import UsageError
from netlab.network import assemble, block_factory, count_parameters, summarize
from netlab.specs import ComponentSpec


def part(catalog: Catalog, kind: str, name: str, **options: Any) -> Part:
    component = catalog.find(kind, name)
    return Part(component, component.make_options(options))


def network(
    catalog: Catalog,
    backbone: str = "compact",
    block: str = "residual",
    norm: str = "none",
    activation: str = "elu",
    *,
    size: int = 32,
    seed: int = 0,
    **options: dict[str, Any],
) -> nn.Sequential:
    return assemble(
        {
            "backbone": part(catalog, "backbone", backbone, **options.get("backbone_options", {})),
            "block": part(catalog, "block", block, **options.get("block_options", {})),
            "norm": part(catalog, "norm", norm, **options.get("norm_options", {})),
            "activation": part(catalog, "activation", activation),
        },
        in_channels=3,
        image_size=(size, size),
        classes=10,
        seed=seed,
    )


@pytest.mark.parametrize(
    ("block", "norm", "block_options", "backbone_options", "parameters"),
    [
        ("residual", "none", {}, {}, 1_710_794),
        ("residual", "bn", {}, {}, 1_713_034),
        ("residual", "gn", {}, {}, 1_713_034),
        ("residual", "ln", {}, {}, 2_087_626),
        ("residual", "none", {"skip": False}, {}, 1_710_794),
        ("residual", "none", {}, {"expand": "1x1"}, 1_645_258),
        ("grouped", "none", {"paths": 2}, {}, 2_964_810),
        ("grouped", "none", {"paths": 4}, {}, 5_472_842),
    ],
)
def test_the_reports_variants_have_the_reports_parameters(
    catalog: Catalog,
    block: str,
    norm: str,
    block_options: dict[str, Any],
    backbone_options: dict[str, Any],
    parameters: int,
) -> None:
    built = network(
        catalog, block=block, norm=norm, block_options=block_options, backbone_options=backbone_options
    )
    assert count_parameters(built) == parameters


def test_compact_has_the_reports_layers_in_the_order_of_execution(catalog: Catalog) -> None:
    names = [name for name, _ in network(catalog, norm="bn").named_children()]
    assert (
        names
        == (
            "conv1 norm1 activation1 conv2 norm2 activation2 maxpool1 resblock1"
            " conv3 norm3 activation3 maxpool2 conv4 norm4 activation4 maxpool3 resblock2"
            " avgpool flatten dense1 dense2"
        ).split()
    )


def test_compact_has_the_reports_shapes(catalog: Catalog) -> None:
    shapes = {
        layer.name: layer.output for layer in summarize(network(catalog), in_channels=3, image_size=(32, 32))
    }
    assert shapes["conv1"] == (32, 32, 32)
    assert shapes["maxpool1"] == shapes["resblock1"] == (64, 16, 16)
    assert shapes["maxpool2"] == (128, 8, 8)
    assert shapes["maxpool3"] == shapes["resblock2"] == (256, 4, 4)
    assert shapes["avgpool"] == (256, 1, 1)
    wide = network(catalog, backbone_options={"expand": "1x1"})
    shapes = {layer.name: layer.output for layer in summarize(wide, in_channels=3, image_size=(32, 32))}
    assert (shapes["conv1x1"], shapes["maxpool3"], shapes["avgpool"]) == (
        (256, 10, 10),
        (256, 5, 5),
        (256, 2, 2),
    )


def test_multiply_adds_of_a_convolution_are_those_of_its_formula(catalog: Catalog) -> None:
    macs = {
        layer.name: layer.macs for layer in summarize(network(catalog), in_channels=3, image_size=(32, 32))
    }
    assert macs["conv2"] == 32 * 32 * 64 * 32 * 9  # height x width x out x in x kernel
    assert macs["dense1"] == 256 * 256
    assert macs["maxpool1"] == 0


@pytest.mark.parametrize("backbone", ["compact", "resnet"])
@pytest.mark.parametrize("block", ["residual", "grouped"])
@pytest.mark.parametrize("norm", ["none", "bn", "gn", "ln"])
def test_any_block_and_norm_fit_any_backbone(catalog: Catalog, backbone: str, block: str, norm: str) -> None:
    norm_options = {"groups": 4} if norm == "gn" else {}
    depth = {"depth": 8} if backbone == "resnet" else {}
    built = network(catalog, backbone, block, norm, norm_options=norm_options, backbone_options=depth)
    logits = built(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 10)
    logits.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in built.parameters() if p.grad is not None)


@pytest.mark.parametrize("depth", [8, 20, 32])
def test_a_resnet_of_depth_6n_plus_2_has_as_many_layers_on_its_path(catalog: Catalog, depth: int) -> None:
    built = network(catalog, "resnet", backbone_options={"depth": depth})
    on_path = [
        module
        for name, module in built.named_modules()
        if isinstance(module, (nn.Conv2d, nn.Linear)) and not name.endswith("skip")
    ]
    assert len(on_path) == depth
    shapes = {layer.name: layer.output for layer in summarize(built, in_channels=3, image_size=(32, 32))}
    assert shapes["stage1_block1"] == (16, 32, 32)
    assert shapes["stage2_block1"] == (32, 16, 16)
    assert shapes["stage3_block1"] == (64, 8, 8)


def test_a_depth_that_is_not_6n_plus_2_is_refused_with_the_next_ones(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="20 or 26"):
        network(catalog, "resnet", backbone_options={"depth": 21})


@pytest.mark.parametrize("size", [7, 8])
def test_a_block_that_claims_no_stride_is_pooled_before(catalog: Catalog, size: int) -> None:
    residual = part(catalog, "block", "residual")
    plain = ComponentSpec("block", "plain", "", residual.component.spec.target)
    unstrided = Part(
        type(residual.component)(plain, residual.component.plugin, catalog.manager), residual.options
    )
    module = block_factory(unstrided, part(catalog, "norm", "ln"), part(catalog, "activation", "elu"))(
        4, 8, size=(size, size), stride=2
    )
    assert module(torch.randn(2, 4, size, size)).shape == (2, 8, 4, 4)
    assert isinstance(module, nn.Sequential)


def test_groups_that_do_not_divide_are_refused_with_those_that_do(catalog: Catalog) -> None:
    with pytest.raises(
        UsageError, match="groups = 5 does not divide 32 channels; use one of 1, 2, 4, 8, 16, 32"
    ):
        network(catalog, norm="gn", norm_options={"groups": 5})


def test_an_image_too_small_for_the_skeleton_is_refused(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="16x16 are too small: 24x24"):
        network(catalog, size=16)
    assert network(catalog, size=24)(torch.zeros(1, 3, 24, 24)).shape == (1, 10)


def test_weights_depend_on_the_seed_alone(catalog: Catalog) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (network(catalog, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


def test_softmax_output_ends_in_probabilities(catalog: Catalog) -> None:
    out = network(catalog, backbone_options={"output": "softmax"})(torch.randn(4, 3, 32, 32))
    torch.testing.assert_close(out.sum(1), torch.ones(4))


def test_the_chosen_activation_is_used_by_backbone_and_blocks(catalog: Catalog) -> None:
    for backbone in ("compact", "resnet"):
        kinds = {type(module) for module in network(catalog, backbone, activation="silu").modules()}
        assert nn.SiLU in kinds
        assert nn.ELU not in kinds
