"""An activation whose module changes things when it is imported."""

import warnings

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
warnings.filterwarnings("ignore")
print("loaded")


def changes_at_import(*, options):
    """ELU."""
    return nn.ELU()
