"""How good detections are: average precision, curves, mistakes."""
