"""The task of a classifier: training, evaluating, restoring and using a network."""
