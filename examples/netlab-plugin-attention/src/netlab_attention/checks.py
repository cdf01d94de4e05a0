"""What every attention is checked for."""

import torch

from netlab.testing.checks import Subject, expect


def shape(subject: Subject) -> None:
    """The shape and dtype stay as they are, for any height and width."""
    for size in ((8, 8), (5, 7)):
        given = torch.randn(2, 16, *size)
        found = subject.build(16)(given)
        expect(found.shape == given.shape, f"{tuple(given.shape)} became {tuple(found.shape)}")


CHECKS = (shape,)
