"""Whether a command printed what a page shows.

Lines are compared in order, blank ones apart; how many spaces stand between words is free, and ``...``
stands for anything: alone on a line for any number of lines, at its end also for those into which it was
wrapped. Of numbers

- whole ones are equal;
- fractions (losses, accuracies, separability) differ by .05, or a twentieth, at most: other processors round
  otherwise;
- times, speeds, memory and sizes (a number before s, ms, images/s, MB, GiB, ...) are free;
- so are the hash at the end of a run's name, ``bf16`` or ``fp32`` (what the processor has), and the star of the
  best epoch.
"""

from __future__ import annotations

import re

TOLERANCE = 0.05
SHARE = 0.05
UNIT = r"(?= ?(?:s|ms|min|h|images/s|[kKMG]i?B|%)(?![\w/]))"
ATOMS = re.compile(
    rf"(?P<any>\.\.\.)|(?P<hash>(?<=-)[0-9a-f]{{6}}(?![\w-]))|(?P<precision>\b(?:bf16|fp32)\b)"
    rf"|(?P<version>\d+\.\d+\.\d+)"
    rf"|(?P<measured>(?<![\w.])-?[\d,]*\.?\d+{UNIT})"
    rf"|(?P<fraction>(?<![\w.])-?[\d,]*\.\d+(?![\w.])\*?)"
    rf"|(?P<whole>(?<![\w.,])-?\d[\d,]*(?![\w.]))"
    rf"|(?P<space>\s+)"
)
NUMBER = r"-?[\d,]*\.?\d+"


def keeps_promise(output: str, shown: str, *, figures: bool = True) -> bool:
    """Whether ``output`` is what a page shows; without ``figures`` every number is free."""
    printed = [line for line in output.splitlines() if line.strip()]
    promised = [line for line in shown.splitlines() if line.strip()]
    return lines_match(printed, promised, figures)


def lines_match(printed: list[str], promised: list[str], figures: bool) -> bool:
    """Whether all lines were printed as promised, with ``...`` for any number of them."""
    reachable = {0}  # how many printed lines the promises so far can account for
    for line in promised:
        if line.strip() == "...":
            reachable = set(range(min(reachable), len(printed) + 1))
        else:
            pattern = line_pattern(line, figures)
            reachable = {
                place + 1
                for place in reachable
                if place < len(printed) and line_matches(printed[place], line, pattern, figures)
            }
            if reachable and line.rstrip().endswith("..."):
                reachable = set(range(min(reachable), len(printed) + 1))
        if not reachable:
            return False
    return len(printed) in reachable


def line_pattern(line: str, figures: bool) -> re.Pattern[str]:
    """A pattern of one line, in which fractions are groups."""
    pattern, end = "", 0
    for atom in ATOMS.finditer(line := line.strip()):
        pattern += re.escape(line[end : atom.start()])
        end = atom.end()
        kind, text = atom.lastgroup, atom.group()
        if kind == "any":
            pattern += ".*?"
        elif kind == "space":
            pattern += r"\s+"
        elif kind == "hash":
            pattern += "[0-9a-f]{6}"
        elif kind == "precision":
            pattern += "(?:bf16|fp32)"
        elif kind == "fraction":
            pattern += rf"({NUMBER})\*?"
        elif kind == "measured" or (kind == "whole" and not figures):
            pattern += NUMBER
        else:
            pattern += re.escape(text)
    pattern += re.escape(line[end:])
    return re.compile(pattern.replace(r"\s+.*?", r"\s*.*?").replace(r".*?\s+", r".*?\s*"))


def line_matches(printed: str, shown: str, pattern: re.Pattern[str], figures: bool) -> bool:
    """Whether one line matches, and its fractions are near enough."""
    found = pattern.fullmatch(printed.strip())
    if found is None or not figures:
        return found is not None
    promised = [atom.group().rstrip("*") for atom in ATOMS.finditer(shown) if atom.lastgroup == "fraction"]
    return all(
        near(as_number(printed_number), as_number(shown_number))
        for printed_number, shown_number in zip(found.groups(), promised, strict=True)
    )


def as_number(text: str) -> float:
    return float(text.replace(",", ""))


def near(printed: float, promised: float) -> bool:
    """Whether a fraction is what the page shows, as far as another processor's rounding goes."""
    return abs(printed - promised) <= max(TOLERANCE, SHARE * abs(promised))
