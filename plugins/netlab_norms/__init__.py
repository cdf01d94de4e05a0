"""netlab's own norms."""
