"""Regions that may hold an object: proposing, keeping, measuring their recall."""
