"""The focal loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from netlab_builtin.losses.class_weights import weight_tensor
from netlab_builtin.losses.options import FocalOptions


def focal(outputs: Tensor, targets: Tensor, *, options: FocalOptions) -> Tensor:
    """``-sum_k w_k targets_k (1 - p_k)^gamma log p_k``, the mean over images, p = softmax(outputs).

    ``w`` are the class weights (1 without). Source: Lin et al. 2017, equation 5, over a softmax.

    Raises:
        ValueError: the class weights are not one a class.
    """
    weight = weight_tensor(options.class_weights, outputs)
    log_p = functional.log_softmax(outputs, dim=1)
    missing = (1 - log_p.exp()).clamp(min=0)
    # At p = 1 the slope of a power below 1 is infinite: there the loss is 0 whatever the power.
    factor = missing.clamp(min=1e-12).pow(options.gamma) if options.gamma else missing.new_ones(())
    terms = -targets * factor * log_p
    if weight is not None:
        terms = terms * weight
    return terms.sum() * (1 / len(outputs))
