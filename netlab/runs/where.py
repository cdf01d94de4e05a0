"""Conditions on runs: ``norm=bn and (test_accuracy > .9 or epochs >= 20) and not block=residual``.

A condition compares a name with a value: ``=`` (or ``==``), ``!=``, ``<``, ``<=``, ``>``, ``>=``. ``and``
binds closer than ``or``, ``not`` closer than both. A value is a number, ``true``, ``false``, ``none``, a
word, or a text in quotes; in a word after ``=`` or ``!=``, ``*`` and ``?`` stand for any letters. A run that
has no such value meets ``NAME = none`` and no other condition. Nothing is evaluated as Python.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from netlab.errors import UsageError, closest

TOKEN = re.compile(
    r"""\s*(?:(?P<text>'[^']*'|"[^"]*")|(?P<sign><=|>=|!=|==|=|<|>)|(?P<bracket>[()])|(?P<word>[^\s()<>=!'"]+))"""
)
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
KEYWORDS = ("and", "or", "not")
CONSTANTS = {"true": True, "false": False, "none": None}
MOST_DEEP = 50

Values = Mapping[str, Any]  # what is known of a run, by name
Test = Callable[[Values], bool]


@dataclass(frozen=True, slots=True)
class Where:
    """A condition, and the names that it asks for, in order."""

    holds: Test
    names: tuple[str, ...]

    def check_names(self, known: Iterable[str]) -> None:
        """Refuse a name that no run has.

        Raises:
            UsageError: with the closest.
        """
        there = set(known)
        for name in self.names:
            if name not in there:
                hint = closest(name, there) or f" Known: {', '.join(sorted(there)[:12])}, ..."
                raise UsageError(f"--where: no run has '{name}'.{hint}")


def parse_where(text: str) -> Where:
    """The condition that a text says.

    Raises:
        UsageError: it is none; the message says where.
    """
    return Parser(text).parse()


class Parser:
    """Reads a condition from left to right: each method a rule, which reads what is its own."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[str] = []
        self.tokens: list[tuple[str, str]] = []
        self.at = self.deep = 0
        place = 0
        while text[place:].strip():
            found = TOKEN.match(text, place)
            if found is None:
                raise UsageError(f"--where: {text[place:].strip()!r} can not be read")
            self.tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
            place = found.end()

    def parse(self) -> Where:
        test = self.any_of()
        if self.at < len(self.tokens):
            raise self.expected("'and', 'or' or the end")
        return Where(test, tuple(dict.fromkeys(self.names)))

    def any_of(self) -> Test:
        tests = [self.all_of()]
        while self.take("or"):
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda values: any(test(values) for test in tests)

    def all_of(self) -> Test:
        tests = [self.one()]
        while self.take("and"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda values: all(test(values) for test in tests)

    def one(self) -> Test:
        self.deep += 1
        if self.deep > MOST_DEEP:
            raise UsageError(f"--where: more than {MOST_DEEP} conditions in one another")
        try:
            if self.take("not"):
                test = self.one()
                return lambda values: not test(values)
            if self.take("("):
                test = self.any_of()
                if not self.take(")"):
                    raise self.expected("')'")
                return test
            return self.comparison()
        finally:
            self.deep -= 1

    def comparison(self) -> Test:
        name = self.next("word", "a name")
        if name in KEYWORDS:
            self.at -= 1
            raise self.expected("a name")
        sign = self.next("sign", "one of = != < <= > >=")
        kind, written = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind not in ("word", "text"):
            raise self.expected("a value")
        self.at += 1
        self.names.append(name)
        value = written[1:-1] if kind == "text" else value_of(written)
        return compared(name, sign, value, pattern=kind == "word")

    def take(self, word: str) -> bool:
        """Whether this comes next; if so it is read."""
        found = self.at < len(self.tokens) and self.tokens[self.at] in (("word", word), ("bracket", word))
        self.at += found
        return found

    def next(self, kind: str, expected: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != kind:
            raise self.expected(expected)
        self.at += 1
        return self.tokens[self.at - 1][1]

    def expected(self, what: str) -> UsageError:
        here = repr(self.tokens[self.at][1]) if self.at < len(self.tokens) else "the end"
        return UsageError(
            f"--where {self.text!r}: expected {what}, not {here} (norm=bn and test_accuracy>.9)"
        )


def value_of(word: str) -> Any:
    """A word as what it means: a number, true, false, none, or itself."""
    if word.lower() in CONSTANTS:
        return CONSTANTS[word.lower()]
    try:
        return float(word)
    except ValueError:
        return word


def compared(name: str, sign: str, value: Any, *, pattern: bool) -> Test:
    """The test of a comparison.

    Raises:
        UsageError: a value has no order.
    """
    if sign in ORDERS:
        if isinstance(value, bool) or not isinstance(value, float):
            raise UsageError(f"--where: {name} {sign} {value}: only numbers have an order")
        order = ORDERS[sign]
        return lambda values: is_number(values.get(name)) and order(values[name], value)

    def equal(found: Any) -> bool:
        if isinstance(value, str) and isinstance(found, str):
            return fnmatchcase(found, value) if pattern else found == value
        if is_number(found) and not isinstance(value, bool):
            return bool(found == value)
        if isinstance(value, float) and isinstance(found, str):  # a part that is called '1'
            return value_of(found) == value
        return type(found) is type(value) and bool(found == value)

    if sign == "!=":
        return lambda values: values.get(name) is not None and not equal(values[name])
    return lambda values: equal(values.get(name))


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
