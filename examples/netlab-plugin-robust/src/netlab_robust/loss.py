"""The loss 'poly'."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from .options import PolyOptions


def poly(outputs: Tensor, targets: Tensor, *, options: PolyOptions) -> Tensor:
    """``-log p_t + epsilon (1 - p_t)``, the mean over images, ``p_t = sum_k targets_k softmax(outputs)_k``.

    Source: Leng et al., PolyLoss, ICLR 2022, equation 7.
    """
    missing = 1 - (targets * outputs.softmax(1)).sum(1)
    return cross_entropy(outputs, targets) + options.epsilon * missing.mean()
