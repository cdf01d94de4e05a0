"""Training: settings and recipes (light), the loop, evaluation, checkpoints."""
