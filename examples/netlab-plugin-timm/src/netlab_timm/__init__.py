"""timm's norms, residual blocks and classifiers for netlab."""
