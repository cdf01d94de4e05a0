"""Text from outside, made harmless where it is shown: names of files, classes, runs and plugins are data."""

from __future__ import annotations

import unicodedata

# They end or turn lines and move what is around them: no name needs them.
TURNING = frozenset("\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: object) -> str:
    """The text with control characters written out, ``\\x1b`` for an escape; line ends and tabs stay.

    So are marks that turn the direction of writing, and bytes of a file name that are no text.
    """
    words = str(text)
    if words.isascii() and words.isprintable():
        return words
    return "".join(map(visible_character, words))


def visible_character(character: str) -> str:
    """One character, or how Python would write it."""
    if character in "\n\t":
        return character
    if character in TURNING or unicodedata.category(character) in ("Cc", "Cs"):
        return character.encode("unicode_escape").decode()
    return character
