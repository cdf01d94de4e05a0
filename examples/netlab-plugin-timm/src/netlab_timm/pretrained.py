"""The backbone 'timm-pretrained': a convolutional network of timm that starts from its weights."""

import math
from collections import OrderedDict
from pathlib import Path

import timm
import torch

from netlab.kinds.backbone import Preprocessing, Pretrained, Trunk
from netlab_timm.extractor import downloaded
from netlab_timm.trunk import feature_net, known_name, named_layers
from netlab_timm.weights import load_trunk, read_weights


def pretrained(*, weights, offline, options):
    """timm's layers up to the last feature map, and what timm states that their weights expect of an image.

    ``imagenet`` are timm's own weights (``timm-pretrained:resnet18.a1_in1k`` chooses among them).

    Raises:
        ValueError: no such network, one without feature maps, or weights that do not fit it.
        FileNotFoundError: the weights are not there and could not be downloaded.
    """
    variant = known_name(options.variant)
    config = timm.get_pretrained_cfg(variant)
    size = config.input_size[-1]
    expected = Preprocessing(
        size=size,
        shorter=math.floor(size / config.crop_pct),
        resampling="bicubic" if config.interpolation == "bicubic" else "bilinear",
        mean=tuple(config.mean),
        std=tuple(config.std),
    )

    def make_trunk():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net, source = feature_net(variant), "random"
        if weights == "imagenet":
            if offline:
                raise FileNotFoundError(
                    "timm asks its hub also for weights that are here: give a file with --weights PATH,"
                    " or call without --offline"
                )
            source = f"timm {variant}"
            load_trunk(net, variant, downloaded(variant), source)
        elif weights != "none":
            source = Path(weights).name
            load_trunk(net, variant, read_weights(Path(weights)), source)
        layers = OrderedDict((name.replace(".", "_"), layer) for name, layer in named_layers(net))
        return Trunk(layers, net.feature_info.channels()[-1], source)

    return Pretrained(expected, make_trunk)
