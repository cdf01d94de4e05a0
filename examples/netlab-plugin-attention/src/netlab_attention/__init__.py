"""The kind 'attention' for netlab."""
