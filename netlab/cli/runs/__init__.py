"""``netlab runs``: the library of runs and detectors."""
