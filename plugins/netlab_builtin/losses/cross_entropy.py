"""Cross-entropy."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from netlab_builtin.losses.class_weights import weight_tensor
from netlab_builtin.losses.options import CrossEntropyOptions


def cross_entropy(outputs: Tensor, targets: Tensor, *, options: CrossEntropyOptions) -> Tensor:
    """``-sum_k w_k q_k log softmax(outputs)_k``, the mean over images, q = (1 - s) targets + s / K.

    ``s`` is the label smoothing, ``w`` the class weights (1 without). Source: Szegedy et al. 2016, section 7.

    Raises:
        ValueError: the class weights are not one a class.
    """
    weight = weight_tensor(options.class_weights, outputs)
    # One class an image is the usual case; PyTorch's path for class numbers needs no (N, K) products.
    one_hot = bool((targets.amax(1) == 1).all())
    total = functional.cross_entropy(
        outputs,
        targets.argmax(1) if one_hot else targets,
        weight=weight,
        reduction="sum",
        label_smoothing=options.label_smoothing,
    )
    return total * (1 / len(outputs))
