"""How well features separate the classes."""
from netlab.separability.space import FeatureSpace
