"""Puts the norm that the user chose in the place of the batch norms of a timm module."""

import torch
from torch import nn


def place_norms(module, image, norm, kind=nn.BatchNorm2d, *, keep=False):
    """Replace every ``kind`` in ``module`` by ``norm(channels, size)``, in place; how many there were.

    With ``keep``, a norm that is none, ``nn.Identity``, replaces nothing.

    The sizes are those of a pass of ``image`` (N, C, H, W). The activation that timm fuses with a batch
    norm (``BatchNormAct2d``) stays behind the new norm.
    """
    places = {name: layer for name, layer in module.named_modules() if isinstance(layer, kind)}
    sizes = {}

    def noted(name):
        def hook(layer, inputs):
            sizes[name] = tuple(inputs[0].shape[2:])

        return hook

    hooks = [layer.register_forward_pre_hook(noted(name)) for name, layer in places.items()]
    training = module.training
    with torch.no_grad():
        module.eval()(image)
    module.train(training)
    for hook in hooks:
        hook.remove()
    for name, layer in places.items():
        if name not in sizes:
            continue  # the image does not pass here
        chosen = norm(layer.num_features, sizes[name])
        if keep and isinstance(chosen, nn.Identity):
            break
        after = [part for part in (getattr(layer, "drop", None), getattr(layer, "act", None)) if part]
        parent, _, last = name.rpartition(".")
        setattr(module.get_submodule(parent), last, nn.Sequential(chosen, *after) if after else chosen)
    return len(sizes)
