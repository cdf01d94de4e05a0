"""netlab's own callbacks."""
