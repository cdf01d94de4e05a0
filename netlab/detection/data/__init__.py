"""Annotated images, and reading them."""
