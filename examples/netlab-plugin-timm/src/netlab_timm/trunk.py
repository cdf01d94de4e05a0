"""The part of a timm network that makes feature maps, as layers in the order of execution."""

import difflib

import timm
import torch
from timm.models import FeatureListNet
from torch import nn

# Some networks come as a class of their own instead of layers in a chain, unless they are told.
CHAIN = {"feature_cfg": {"feature_cls": "list", "flatten_sequential": True}}


def known_name(variant):
    """``variant``, if timm has such a network (a tag of weights, ``.a1_in1k``, may follow).

    Raises:
        ValueError: it has not; with the closest names.
    """
    names = timm.list_models()
    if variant.partition(".")[0] in names:
        return variant
    near = difflib.get_close_matches(variant, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "see netlab timm-models"
    raise ValueError(f"timm has no network '{variant}': {hint}")


def feature_net(variant, *, in_channels=3):
    """timm's ``FeatureListNet`` of a network with random weights: its layers, and which of them give maps.

    Raises:
        ValueError: the network is unknown, or gives no feature maps of any image size (transformers).
    """
    variant = known_name(variant)
    refusal = f"timm's {variant} gives no feature maps for images of any size"
    if timm.models.get_pretrained_cfg_value(variant, "fixed_input_size"):
        raise ValueError(f"{refusal}: its image size is fixed")
    for keywords in ({}, CHAIN):
        try:
            net = timm.create_model(variant, features_only=True, in_chans=in_channels, **keywords)
        except (RuntimeError, TypeError, AttributeError, AssertionError, ValueError):
            continue
        if isinstance(net, FeatureListNet) and net.output_fmt == "NCHW":
            return net
    raise ValueError(refusal)


def named_layers(net):
    """(name, layer) of a ``FeatureListNet``, in the order of execution."""
    return list(net.items())


def as_stages(net):
    """One ``nn.Sequential`` a feature map: the layers from the map before to this one."""
    stages, layers = [], []
    for name, layer in net.items():
        layers.append(layer)
        if name in net.return_layers:
            stages.append(nn.Sequential(*layers))
            layers = []
    return tuple(stages)


def passes(network, image):
    """The output of a network without gradients, in evaluation mode; its own mode is kept.

    Raises:
        ValueError: the image is too small, or the layers are no chain.
    """
    training = network.training
    try:
        with torch.no_grad():
            output = network.eval()(image)
    except (RuntimeError, TypeError, AttributeError, AssertionError, ValueError) as error:
        height, width = image.shape[2:]
        reason = " ".join(str(error).split())[:160] or "its layers are no chain"
        raise ValueError(f"an image of {height} x {width} does not pass it: {reason}") from error
    network.train(training)
    return output
