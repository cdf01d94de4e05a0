"""The run directory: configuration, environment, history, checkpoints, and how a run is loaded again."""
