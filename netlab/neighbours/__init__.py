"""Exact nearest points and class means: arrays in, arrays out. Knows no network."""
