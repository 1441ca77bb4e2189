# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``$filter`` of ARM's PIM: functions (``asTarget()``, ``assignedTo('id')``) and comparisons with eq, joined by and, or.

Names and operators are read in any case; values may be quoted or not. Parsing is pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Union

from pim_simulator.arm.errors import ArmError, invalid_filter

_TOKEN = re.compile(
    r"\s*(?:(?P<function>(?P<name>[A-Za-z]+)\(\s*(?P<argument>'[^']*'|[^'()\s]*)\s*\))"
    r"|(?P<open>\()|(?P<close>\))|(?P<text>'(?:[^']|'')*')|(?P<word>[^\s()',]+))"
)
_DEEPEST = 20


@dataclass(frozen=True)
class Function:
    """``name`` in lower case; ``argument`` without its quotes, empty where there is none."""

    name: str
    argument: str


@dataclass(frozen=True)
class Comparison:
    """``property`` in lower case, equal to ``value``."""

    property: str
    value: str


@dataclass(frozen=True)
class Junction:
    """``operator`` and, or."""

    operator: str
    operands: tuple[Node, ...]


Node = Union[Function, Comparison, Junction]


@dataclass(frozen=True)
class Filter:
    """A filter whose terms are all known to the list it is for. ``alone`` holds the functions and comparisons that must hold
    for each row (joined by and at the top): what a list may be narrowed by before rows are looked at."""

    node: Node | None

    @property
    def alone(self) -> tuple[Function | Comparison, ...]:
        if isinstance(self.node, Junction):
            if self.node.operator == "or":
                return ()
            return tuple(item for item in self.node.operands if not isinstance(item, Junction))
        return (self.node,) if self.node is not None else ()

    def has(self, function: str) -> bool:
        """Whether each row has to satisfy a function."""
        return any(isinstance(term, Function) and term.name == function for term in self.alone)

    def value(self, name: str) -> str | None:
        """What each row must have in a property, or give to a function of that name."""
        for term in self.alone:
            if isinstance(term, Comparison) and term.property == name:
                return term.value
            if isinstance(term, Function) and term.name == name:
                return term.argument
        return None

    def matches(self, test: Callable[[Function | Comparison], bool]) -> bool:
        return self.node is None or _holds(self.node, test)


def _holds(node: Node, test: Callable[[Function | Comparison], bool]) -> bool:
    if isinstance(node, Junction):
        results = (_holds(operand, test) for operand in node.operands)
        return all(results) if node.operator == "and" else any(results)
    return test(node)


def read_filter(text: str | None, functions: Mapping[str, bool], properties: tuple[str, ...]) -> Filter:
    """``functions`` maps each known function (in lower case) to whether it takes an argument; ``properties`` are those that
    may be compared, in lower case. Raises ArmError for anything else."""
    if text is None or not text.strip():
        return Filter(None)
    node = _Parser(text).whole()
    _check(node, functions, properties, text)
    return Filter(node)


def _check(node: Node, functions: Mapping[str, bool], properties: tuple[str, ...], text: str) -> None:
    if isinstance(node, Junction):
        for operand in node.operands:
            _check(operand, functions, properties, text)
    elif isinstance(node, Function):
        if functions.get(node.name) is not bool(node.argument):
            raise invalid_filter(text[:200])
    elif node.property not in properties:
        raise invalid_filter(text[:200])


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error()
            if match["function"] is not None:
                self._tokens.append(("function", match["name"].lower(), match["argument"].strip("'")))
            else:
                kind = next(name for name in ("open", "close", "text", "word") if match[name] is not None)
                self._tokens.append((kind, match[kind], ""))
            position = match.end()
        self._index = 0
        self._depth = 0

    def _error(self) -> ArmError:
        return invalid_filter(self._text[:200])

    def whole(self) -> Node:
        node = self._joined("or")
        if self._index < len(self._tokens):
            raise self._error()
        return node

    def _peek(self) -> tuple[str, str, str]:
        return self._tokens[self._index] if self._index < len(self._tokens) else ("end", "", "")

    def _joined(self, operator: str) -> Node:
        def operand() -> Node:
            return self._joined("and") if operator == "or" else self._term()

        operands = [operand()]
        while self._peek()[0] == "word" and self._peek()[1].lower() == operator:
            self._index += 1
            operands.append(operand())
        return operands[0] if len(operands) == 1 else Junction(operator, tuple(operands))

    def _term(self) -> Node:
        kind, text, argument = self._peek()
        self._index += 1
        if kind == "function":
            return Function(text, argument)
        if kind == "open":
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._error()
            node = self._joined("or")
            if self._peek()[0] != "close":
                raise self._error()
            self._index += 1
            self._depth -= 1
            return node
        operator = self._peek()
        if kind != "word" or operator[0] != "word" or operator[1].lower() != "eq":
            raise self._error()
        self._index += 1
        kind, value, _argument = self._peek()
        if kind not in ("word", "text"):
            raise self._error()
        self._index += 1
        return Comparison(text.lower(), value[1:-1].replace("''", "'") if kind == "text" else value)
