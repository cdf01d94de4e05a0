"""Losses that break one rule each."""

from torch.nn import functional


def hard_only(outputs, targets, *, options):
    """Is infinite for mixed targets."""
    return functional.cross_entropy(outputs, targets) / (targets.amax(1) == 1).all()


def total(outputs, targets, *, options):
    """Is a sum."""
    return functional.cross_entropy(outputs, targets, reduction="sum")


def upside_down(outputs, targets, *, options):
    """Rewards what is wrong."""
    return -functional.cross_entropy(outputs, targets)


def naive(outputs, targets, *, options):
    """Overflows."""
    powers = outputs.exp()
    return -(targets * (powers / powers.sum(1, keepdim=True)).log()).sum(1).mean()


def overwrites(outputs, targets, *, options):
    """Changes the targets."""
    targets.clamp_(min=1e-12)
    return functional.cross_entropy(outputs, targets)
