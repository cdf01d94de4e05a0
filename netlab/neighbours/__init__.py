"""Exact nearest points and class means: arrays in, arrays out. Knows no network, and no plugin.

The way of features to a decision, file by file:

- ``matrix``: features of any type as a ``FeatureMatrix``, read row by row; ``standardize``: their scale.
- ``operands``: a matrix with class codes becomes ``SortedPoints``, float32, with a bound on the rounding of
  their products; ``matmul``: the fastest such product here; ``parallel``: work shared by threads.
- ``search``: a ``Search`` of some queries among points.
- ``tiles``: computed distances tile by tile, and their minima by class.
- ``candidates``: the points that rounding leaves possible, evaluated in float64.
- ``nearest``: what is decided: the nearest point, the nearest in order, runs; ``mean_distances``.
- ``class_means``: the means, and which is nearest.
- ``decision``: what a nearest point or mean says of a label.
- ``among``: computed distances of a few points, where nothing is decided.

Called by ``netlab.separability.space`` (all of it, through ``FeatureSpace``) and by
``netlab.separability.distributed`` (``SortedPoints`` and ``tiles.pair_minima``, on other machines).
Everything without an underscore is for them; nothing here is for users, whose door is
``netlab.separability``.
"""
