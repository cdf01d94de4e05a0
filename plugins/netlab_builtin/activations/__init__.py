"""netlab's own activations."""
