# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of Graph to handlers. A path that leads nowhere names the segment where it left the known ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from pim_simulator.graph.errors import GraphError, unknown_segment
from pim_simulator.graph.messages import GraphAnswer, GraphCall

Handler = Callable[..., GraphAnswer]

_FUNCTION = re.compile(r"(?:microsoft\.graph\.)?filterByCurrentUser\(on='(?P<on>[^']*)'\)")
# in a path: a parameter, and the one function with its argument
_PARAMETER = "{}"
_CURRENT_USER = "filterByCurrentUser"


@dataclass
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    handlers: dict[str, Handler] = field(default_factory=dict)


class Router:
    """A tree of segments for each version."""

    def __init__(self) -> None:
        self._roots: dict[str, _Node] = {"v1.0": _Node(), "beta": _Node()}

    def add(self, path: str, versions: tuple[str, ...] = ("v1.0", "beta"), **handlers: Handler) -> None:
        """``path`` such as ``users/{}``; a handler for each method gets the call and the values of the parameters."""
        for version in versions:
            node = self._roots[version]
            for segment in path.split("/"):
                node = node.children.setdefault(segment, _Node())
            node.handlers.update(handlers)

    def dispatch(self, call: GraphCall) -> GraphAnswer:
        """Raises GraphError."""
        node = self._roots[call.version]
        values: list[str] = []
        for segment in call.segments:
            found = node.children.get(segment)
            function = _FUNCTION.fullmatch(segment)
            if function is not None and _CURRENT_USER in node.children:
                found = node.children[_CURRENT_USER]
                values.append(function["on"])
            elif found is None and "(" not in segment and segment and _PARAMETER in node.children:
                found = node.children[_PARAMETER]
                values.append(segment)
            if found is None or (segment == _CURRENT_USER and function is None):
                raise unknown_segment(segment)
            node = found
        handler = node.handlers.get(call.method)
        if handler is None:
            if not node.handlers:
                raise unknown_segment(call.segments[-1] if call.segments else "")
            raise GraphError(405, "BadRequest", "Specified HTTP method is not allowed for the request target.")
        return handler(call, *values)


def split_path(raw_path: str) -> tuple[str, ...]:
    """Decoded segments of a path as it was sent (so that an encoded slash in an id does not divide it)."""
    return tuple(unquote(segment) for segment in raw_path.strip("/").split("/")) if raw_path.strip("/") else ()
