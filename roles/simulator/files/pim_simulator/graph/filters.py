# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``$filter``: the part of OData's grammar that PIM documents (eq, ne, and, or, not, parentheses; text, null, booleans,
GUIDs), and ``in``, with which names of objects are looked up. Parsing and matching are pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union

_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<comma>,)|(?P<text>'(?:[^']|'')*')"
    r"|(?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![\w-]))"
    r"|(?P<number>-?\d+(?![\w.-]))|(?P<word>[A-Za-z_][\w./]*))"
)
_DEEPEST = 50


class FilterError(Exception):
    """The expression is not in the grammar; ``position`` is where it stops being so."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True)
class Comparison:
    """``property`` is a name or a path of names; ``operator`` eq or ne."""

    property: str
    operator: str
    value: str | bool | int | None


@dataclass(frozen=True)
class Choice:
    """``property in (...)``."""

    property: str
    values: tuple[str | bool | int | None, ...]


@dataclass(frozen=True)
class Junction:
    """``operator`` and, or."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Negation:
    operand: Node


Node = Union[Comparison, Choice, Junction, Negation]


def parse(text: str) -> Node:
    """Raises FilterError."""
    return _Parser(text).whole()


def matches(node: Node, row: Mapping[str, Any]) -> bool:
    """Whether the row's properties satisfy it. Text compares without regard to case but for display names, as the service
    does with ids and enum members; a property the row does not have is null."""
    if isinstance(node, Comparison):
        equal = _equal(node.property, node.value, row.get(node.property))
        return equal if node.operator == "eq" else not equal
    if isinstance(node, Choice):
        return any(_equal(node.property, value, row.get(node.property)) for value in node.values)
    if isinstance(node, Negation):
        return not matches(node.operand, row)
    if node.operator == "and":
        return matches(node.left, row) and matches(node.right, row)
    return matches(node.left, row) or matches(node.right, row)


def comparisons(node: Node) -> Iterator[Comparison | Choice]:
    """Every comparison in it, left to right."""
    if isinstance(node, (Comparison, Choice)):
        yield node
    elif isinstance(node, Negation):
        yield from comparisons(node.operand)
    else:
        yield from comparisons(node.left)
        yield from comparisons(node.right)


def fixed_values(node: Node) -> dict[str, Any]:
    """Properties that must equal a value for the whole to hold (comparisons with eq, joined by and)."""
    if isinstance(node, Comparison):
        return {node.property: node.value} if node.operator == "eq" else {}
    if isinstance(node, Junction) and node.operator == "and":
        return {**fixed_values(node.left), **fixed_values(node.right)}
    return {}


def write(node: Node) -> str:
    """The expression again, in canonical form."""
    if isinstance(node, Comparison):
        return f"{node.property} {node.operator} {_literal(node.value)}"
    if isinstance(node, Choice):
        return f"{node.property} in ({','.join(map(_literal, node.values))})"
    if isinstance(node, Negation):
        return f"not ({write(node.operand)})"
    return f"({write(node.left)}) {node.operator} ({write(node.right)})"


def _literal(value: str | bool | int | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _equal(name: str, value: str | bool | int | None, actual: Any) -> bool:
    if isinstance(value, str) and isinstance(actual, str) and name != "displayName":
        return value.casefold() == actual.casefold()
    return type(value) is type(actual) and value == actual


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        position = 0
        end = len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise FilterError(f"Syntax error at position {position} in '{text}'.", position)
            kind = match.lastgroup or ""
            self._tokens.append((kind, match.group(kind), match.start(kind)))
            position = match.end()
        self._index = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._or()
        if self._index < len(self._tokens):
            raise self._error()
        return node

    def _error(self) -> FilterError:
        position = self._tokens[self._index][2] if self._index < len(self._tokens) else len(self._text)
        return FilterError(f"Syntax error at position {position} in '{self._text}'.", position)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._index][:2] if self._index < len(self._tokens) else ("end", "")

    def _take(self, kind: str, *words: str) -> str:
        found, text = self._peek()
        if found != kind or (words and text not in words):
            raise self._error()
        self._index += 1
        return text

    def _or(self) -> Node:
        node = self._and()
        while self._peek() == ("word", "or"):
            self._index += 1
            node = Junction("or", node, self._and())
        return node

    def _and(self) -> Node:
        node = self._not()
        while self._peek() == ("word", "and"):
            self._index += 1
            node = Junction("and", node, self._not())
        return node

    def _not(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error()
        try:
            if self._peek() == ("word", "not"):
                self._index += 1
                return Negation(self._not())
            if self._peek()[0] == "open":
                self._index += 1
                node = self._or()
                self._take("close")
                return node
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Comparison | Choice:
        name = self._take("word")
        if name in ("and", "or", "not", "eq", "ne", "in", "null", "true", "false"):
            self._index -= 1
            raise self._error()
        operator = self._take("word", "eq", "ne", "in")
        return Choice(name, self._values()) if operator == "in" else Comparison(name, operator, self._value())

    def _values(self) -> tuple[str | bool | int | None, ...]:
        self._take("open")
        values = [self._value()]
        while self._peek()[0] == "comma":
            self._index += 1
            values.append(self._value())
        self._take("close")
        return tuple(values)

    def _value(self) -> str | bool | int | None:
        kind, text = self._peek()
        values: dict[tuple[str, str], Any] = {("word", "null"): None, ("word", "true"): True, ("word", "false"): False}
        value: str | bool | int | None
        if kind == "text":
            value = text[1:-1].replace("''", "'")
        elif kind == "guid":
            value = text
        elif kind == "number":
            value = int(text)
        elif (kind, text) in values:
            value = values[kind, text]
        else:
            raise self._error()
        self._index += 1
        return value
