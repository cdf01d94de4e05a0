"""netlab's own blocks."""
