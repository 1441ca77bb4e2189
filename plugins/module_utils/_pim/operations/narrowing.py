# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out what lies below the management groups an account is eligible at: paths of subscriptions do not tell. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..api.calls import Answer
from ..errors import PimError
from ..models import RoleRow, Wanted
from ..plans.resolve import Below, open_questions
from ..providers.registry import PROVIDERS
from .connection import Connection

# Levels of management groups below the first one (Azure allows six in all), for a service that lists direct children only.
_LEVELS = 6


def below_for(
    connection: Connection, wanted: Sequence[Wanted], rows: Sequence[RoleRow], *, renewing: bool = False
) -> Below:
    """Answers whether a scope lies below another for all roles of a task; asks the service only where its answer matters."""
    questions: dict[tuple[str, str], set[str]] = {}
    for one in wanted:
        for outer in open_questions(one, rows, _by_path, renewing=renewing):
            questions.setdefault((one.provider, outer), set()).add(str(one.scope))
    known = {question: _children(connection, *question, scopes) for question, scopes in questions.items()}

    def below(provider: str, scope: str, outer: str) -> bool | None:
        told = _by_path(provider, scope, outer)
        if told is None and (provider, outer) in known:
            return _inside(provider, scope, known[provider, outer])
        return told

    return below


def _by_path(provider: str, scope: str, outer: str) -> bool | None:
    return PROVIDERS[provider].below(scope, outer)


def _inside(provider: str, scope: str, children: Iterable[str]) -> bool:
    return any(scope.casefold() == child.casefold() or _by_path(provider, scope, child) for child in children)


def _children(connection: Connection, provider: str, outer: str, scopes: Iterable[str]) -> list[str]:
    """What lies below a scope, as deep as needed to find all of these. Raises where it cannot be read."""
    found: list[str] = []
    level = [outer]
    for _depth in range(_LEVELS):
        answers = connection.run([PROVIDERS[provider].children_call(one) for one in level])
        for answer in answers:
            if isinstance(answer, PimError):
                raise answer.about(provider=provider, role="", scope=outer)
        listed = [
            child
            for answer in answers
            if isinstance(answer, Answer)
            for child in PROVIDERS[provider].read_children(answer)
            if child not in found and child != outer
        ]
        found += listed
        # Below these, only the service knows again.
        level = [child for child in listed if any(_by_path(provider, scope, child) is None for scope in scopes)]
        if not level or all(_inside(provider, scope, found) for scope in scopes):
            break
    return found
