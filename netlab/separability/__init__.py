"""How well features separate the classes: exact neighbour metrics of arrays and of a network's layers.

>>> from netlab.separability import si_score
>>> si_score([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"])
1.0
"""

from netlab.neighbours.matrix import Standardization
from netlab.separability.scores import csi, csi_score, layer_separability, si, si_score
from netlab.separability.space.feature_space import FeatureSpace

__all__ = ["FeatureSpace", "Standardization", "csi", "csi_score", "layer_separability", "si", "si_score"]
