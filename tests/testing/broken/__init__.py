"""Parts that are wrong in one way that is easy to miss, as a stranger might write them.

Each works where its author tried it. ``plugin.py`` is the list, with what is wrong; it was written before the
checks that catch them.
"""
