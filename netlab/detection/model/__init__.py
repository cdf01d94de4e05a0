"""A detector: features of regions, the head, what it detects, and its files."""
