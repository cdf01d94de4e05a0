"""Recipes that break one rule each."""

import itertools

CALLS = itertools.count(1)


def unknown_table(facts, *, options):
    """Fills in a table that is none."""
    return {"optimiser": {"name": "sgd"}}


def counts_calls(facts, *, options):
    """Gives another number of epochs each time."""
    return {"training": {"epochs": next(CALLS)}}
