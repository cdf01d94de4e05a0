"""Colours, dashes and symbols that tell series apart, also without colour."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's colour-blind-safe palette; its black and yellow are left out, which one of a light
# and a dark background swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon")


def series_colour(position: int) -> str:
    """The colour of the series at a position; it comes round after the palette's length."""
    return PALETTE[position % len(PALETTE)]


def series_marker(position: int) -> dict[str, Any]:
    """Colour and symbol of a series, of a pair that comes round much later than either."""
    symbol = SYMBOLS[(position + position // len(PALETTE)) % len(SYMBOLS)]
    return {"color": series_colour(position), "symbol": symbol, "size": 7}
