"""netlab's own trackers."""
