"""Plugins and parts: finding, checking and loading them, and names to parts."""
