"""Activations: PyTorch's own modules with the options of the user."""

from __future__ import annotations

from torch import nn

from netlab_builtin.activations.options import EluOptions, GeluOptions, LeakyReluOptions


def elu(*, options: EluOptions) -> nn.Module:
    """``x`` above 0, ``alpha (exp(x) - 1)`` below.

    Source: Clevert, Unterthiner and Hochreiter 2016, equation 15.
    """
    return nn.ELU(alpha=options.alpha)


def relu(*, options: None) -> nn.Module:
    """``max(x, 0)``.

    Source: Nair and Hinton 2010.
    """
    return nn.ReLU()


def leaky_relu(*, options: LeakyReluOptions) -> nn.Module:
    """``x`` above 0, ``slope x`` below.

    Source: Maas, Hannun and Ng 2013.
    """
    return nn.LeakyReLU(options.slope)


def gelu(*, options: GeluOptions) -> nn.Module:
    """``x`` times the probability that a standard normal number is below ``x``.

    Source: Hendrycks and Gimpel 2016, section 2.
    """
    return nn.GELU(approximate=options.approximate)


def silu(*, options: None) -> nn.Module:
    """``x / (1 + exp(-x))``.

    Source: Elfwing, Uchibe and Doya 2017, equation 7.
    """
    return nn.SiLU()


def tanh(*, options: None) -> nn.Module:
    """``tanh(x)``, from -1 to 1."""
    return nn.Tanh()


def identity(*, options: None) -> nn.Module:
    """``x``: a network without it is linear but for norms and poolings."""
    return nn.Identity()
