"""What netlab is given is what timm computes."""

from types import SimpleNamespace

import pytest
import timm
import torch
from netlab_timm import activations, norms
from netlab_timm.backbone import backbone
from netlab_timm.blocks import basic
from netlab_timm.extractor import extractor
from netlab_timm.options import BackboneOptions, BlockOptions, ExtractorOptions, GroupNormOptions
from netlab_timm.plugin import ACTIVATIONS, NORMS
from netlab_timm.pretrained import pretrained
from safetensors.torch import save_file
from timm.layers import create_act_layer
from timm.layers.create_norm import _NORM_MAP, create_norm_layer
from torch import nn

ALIASES = {"batchnorm"}  # of batchnorm2d
FIXED = {"frozenbatchnorm2d"}  # learns nothing, and in a network without weights normalizes nothing


def no_norm(channels, size):
    return nn.Identity()


def group_norm(channels, size):
    return nn.GroupNorm(1, channels)


def network(variant="resnet18", *, norm=no_norm, in_channels=3, size=(64, 64)):
    torch.manual_seed(0)
    return backbone(
        in_channels=in_channels,
        image_size=size,
        classes=10,
        block=None,
        norm=norm,
        activation=nn.ReLU,
        options=BackboneOptions(variant=variant),
    )


def test_every_norm_of_timm_that_takes_images_is_declared():
    fitting = set()
    for name in _NORM_MAP:
        try:
            if create_norm_layer(name, 64)(torch.randn(2, 64, 7, 9)).shape == (2, 64, 7, 9):
                fitting.add(name)
        except (RuntimeError, ValueError):
            continue  # for tokens or vectors
    assert set(NORMS) == fitting - ALIASES - FIXED


def test_groupnorm1_is_a_group_norm_of_one_group():
    layer = norms.groupnorm1(8, (5, 5), where="block", options=None)
    x = torch.randn(3, 8, 5, 5)
    assert torch.allclose(layer(x), nn.functional.group_norm(x, 1), atol=1e-6)


def test_groups_that_do_not_divide_the_channels_are_refused_in_words():
    with pytest.raises(ValueError, match="48 channels can not be divided into 32 groups"):
        norms.groupnorm(48, (4, 4), where="block", options=GroupNormOptions())


def test_the_backbone_computes_what_timm_computes():
    ours, theirs = network().eval(), timm.create_model("resnet18", num_classes=10).eval()
    weights = ours.state_dict()
    theirs.load_state_dict({key.replace("dense.", "fc."): value for key, value in weights.items()})
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(ours(x), theirs(x), atol=1e-5)


def test_the_chosen_norm_takes_the_place_of_every_batch_norm():
    kinds = {type(layer) for layer in network(norm=group_norm).modules()}
    assert nn.GroupNorm in kinds
    assert not any(issubclass(kind, nn.BatchNorm2d) for kind in kinds)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network().modules())


def test_a_norm_for_a_network_without_batch_norms_is_refused_in_words():
    with pytest.raises(ValueError, match="convnext_atto has no batch norm that --norm could replace"):
        network("convnext_atto", norm=group_norm)


def test_an_activation_that_timm_fuses_with_a_norm_stays():
    plain, replaced = network("efficientnet_lite0"), network("efficientnet_lite0", norm=group_norm)

    def activations(module):
        return sum(isinstance(layer, nn.ReLU6) for layer in module.modules())

    assert activations(replaced) == activations(plain) > 0


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ("resnet81", "timm has no network 'resnet81': did you mean resnet"),
        ("vit_tiny_patch16_224", "its image size is fixed"),
        ("hrnet_w18_small", "gives no feature maps"),
    ],
)
def test_what_has_no_feature_maps_is_refused_in_words(variant, message):
    with pytest.raises(ValueError, match=message):
        network(variant)
    with pytest.raises(ValueError, match=message):
        extractor(weights="none", options=ExtractorOptions(variant=variant))


def test_an_image_that_is_too_small_is_refused_in_words():
    with pytest.raises(ValueError, match="an image of 8 x 8 does not pass it"):
        network("vgg11", size=(8, 8))


@pytest.mark.parametrize("variant", ["resnet18", "mobilenetv3_small_050", "convnext_atto"])
def test_the_maps_are_those_of_timm_with_the_same_weights(tmp_path, variant):
    torch.manual_seed(3)
    whole = timm.create_model(variant).eval()
    path = tmp_path / "weights.safetensors"
    save_file(whole.state_dict(), path)
    found = extractor(weights=str(path), options=ExtractorOptions(variant=variant))
    x = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        _, expected = whole.forward_intermediates(x, norm=False)
        for stage, channels in zip(found.stages, found.channels, strict=True):
            x = stage(x)
            assert x.shape[1] == channels
    same = [map_ for map_ in expected if map_.shape == x.shape]
    assert any(torch.allclose(map_, x, atol=1e-4) for map_ in same)


def test_weights_of_another_network_are_refused_by_the_first_key_that_does_not_fit(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file(timm.create_model("resnet10t").state_dict(), path)
    with pytest.raises(ValueError, match="does not fit resnet18: 'conv1.weight' is missing from it"):
        extractor(weights=str(path), options=ExtractorOptions())


def test_a_pickle_is_not_read(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"a": SimpleNamespace()}, path)
    with pytest.raises(ValueError, match="can not be read as a file of weights"):
        extractor(weights=str(path), options=ExtractorOptions())


def test_timm_without_a_network_connection_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(timm, "create_model", refuse_pretrained(timm.create_model))
    with pytest.raises(FileNotFoundError, match="could not be downloaded .*--weights none"):
        extractor(weights="imagenet", options=ExtractorOptions())


def refuse_pretrained(create):
    def made(*arguments, pretrained=False, **keywords):
        if pretrained:
            raise ConnectionError("no route to host")
        return create(*arguments, **keywords)

    return made


@pytest.mark.parametrize("activation", [nn.ReLU, nn.PReLU])
@pytest.mark.parametrize("attention", ["none", "se", "cbam", "gca"])
def test_every_choice_of_a_block_keeps_the_shape_and_has_the_activation(activation, attention):
    options = BlockOptions(attention=attention)
    block = basic(32, 64, size=(7, 9), norm=group_norm, activation=activation, options=options, stride=2)
    assert block(torch.randn(2, 32, 7, 9)).shape == (2, 64, 4, 5)
    assert sum(type(module) is activation for module in block.modules()) >= 2


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_that_of_timm(name):
    x = torch.randn(3, 4, 5)
    assert torch.equal(getattr(activations, name)(options=None)(x), create_act_layer(name, inplace=False)(x))


def test_a_pretrained_trunk_is_timms_network_up_to_its_pooling(tmp_path):
    torch.manual_seed(1)
    whole = timm.create_model("resnet10t").eval()
    save_file(whole.state_dict(), tmp_path / "w.safetensors")
    options = SimpleNamespace(variant="resnet10t")
    found = pretrained(weights=str(tmp_path / "w.safetensors"), offline=True, options=options)
    trunk = found.make_trunk()
    image = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(
            nn.Sequential(*trunk.layers.values()).eval()(image), whole.forward_features(image)
        )
    config = timm.get_pretrained_cfg("resnet10t")
    assert (found.preprocessing.size, found.preprocessing.mean) == (config.input_size[-1], tuple(config.mean))
    assert trunk.features == whole.num_features


def test_offline_weights_of_the_hub_are_refused():
    options = SimpleNamespace(variant="resnet10t")
    with pytest.raises(FileNotFoundError, match="--offline"):
        pretrained(weights="imagenet", offline=True, options=options).make_trunk()
