"""How well features separate the classes: exact neighbour metrics of arrays and of a network's layers.

>>> from netlab.separability import si_score
>>> si_score([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"])
1.0
"""

from netlab.separability.indices import csi, csi_score, si, si_score
from netlab.separability.layers import layer_separability
from netlab.separability.source import Standardization
from netlab.separability.space import FeatureSpace

__all__ = ["FeatureSpace", "Standardization", "csi", "csi_score", "layer_separability", "si", "si_score"]
