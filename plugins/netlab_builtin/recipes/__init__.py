"""netlab's own recipes."""
