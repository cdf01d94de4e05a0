"""The feature space of a layer: what metrics ask of its points, each quantity computed once.

``feature_space`` puts it together; ``neighbours``, ``class_means``, ``linear_kernel`` and ``halves`` are what
it offers, in arrays that can not be written to.
"""
