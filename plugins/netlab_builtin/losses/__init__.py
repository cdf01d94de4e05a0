"""netlab's own losses."""
