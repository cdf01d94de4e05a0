"""Commands about many runs: sweep, compare, report."""
