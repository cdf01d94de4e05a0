"""A trained network as a file that needs no netlab."""
