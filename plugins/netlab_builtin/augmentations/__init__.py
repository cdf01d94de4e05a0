"""netlab's own augmentations."""
