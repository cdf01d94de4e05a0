"""netlab's own optimizers."""
