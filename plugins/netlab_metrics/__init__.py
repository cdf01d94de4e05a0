"""netlab's own metrics."""
