"""Assemblies compared over seeds: which runs belong together, and what their differences are worth."""
