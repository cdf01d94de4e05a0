"""The extractor 'timm': feature maps of any convolutional network of timm."""

from pathlib import Path

import timm
import torch

from netlab.kinds.extractor import FeatureMaps
from netlab_timm.trunk import as_stages, feature_net, known_name, passes
from netlab_timm.weights import load_trunk, read_weights

PROBE = 128  # side in pixels of the image whose maps are compared with what timm says of them


def extractor(*, weights, options):
    """One stage a feature map of timm's ``features_only`` network, the last being the smallest.

    ``imagenet`` are timm's own weights (``timm:resnet18.a1_in1k`` chooses among them), from its cache or
    downloaded; mean and deviation are those that timm states for the network.

    Raises:
        FileNotFoundError: the weights are not there and could not be downloaded.
        ValueError: no such network, one without feature maps, or weights that do not fit it.
    """
    variant = known_name(options.variant)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net, source = feature_net(variant), "random"
        if weights == "imagenet":
            source = f"timm {variant}"
            load_trunk(net, variant, downloaded(variant), source)
        elif weights != "none":
            source = Path(weights).name
            load_trunk(net, variant, read_weights(Path(weights)), source)
    net.eval().requires_grad_(False)
    stages, channels, strides = as_stages(net), net.feature_info.channels(), net.feature_info.reduction()
    image = torch.zeros(1, 3, PROBE, PROBE)
    for stage, count, stride in zip(stages, channels, strides, strict=True):
        image = passes(stage.eval(), image)
        if image.ndim != 4 or image.shape[1] != count or abs(image.shape[2] - PROBE / stride) > 2:
            raise ValueError(f"timm's {variant} has no chain of feature maps to pool regions from")
    config = timm.get_pretrained_cfg(variant)
    return FeatureMaps(
        stages=stages,
        channels=tuple(channels),
        strides=tuple(strides),
        mean=tuple(config.mean),
        std=tuple(config.std),
        crop_size=options.crop_size,
        weights=source,
    )


def downloaded(variant):
    """The state dict of the whole network with timm's weights.

    Raises:
        FileNotFoundError: timm's client can not get them.
        ValueError: there are none.
    """
    if not timm.is_model_pretrained(variant):
        raise ValueError(f"timm has no weights for {variant}: give a file, or --weights none for random ones")
    try:
        return timm.create_model(variant, pretrained=True).state_dict()
    except Exception as error:  # the hub's client and its transport have errors of many kinds
        raise FileNotFoundError(
            f"timm's weights of {variant} are not in its cache and could not be downloaded"
            f" ({' '.join(str(error).split())[:160]}); give a file with --weights PATH, or --weights none"
        ) from error
