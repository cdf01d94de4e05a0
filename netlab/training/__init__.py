"""The one way to train: task, loop, checkpoints, resuming, several processes."""
