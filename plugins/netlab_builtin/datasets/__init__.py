"""netlab's own datasets."""
