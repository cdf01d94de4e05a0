"""A loss, an augmentation and a metric for netlab."""
