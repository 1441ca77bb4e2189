# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what accounts hold: the lists of all providers in as few calls as their APIs allow. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..api.calls import Answer, Call
from ..errors import PimError
from ..models import Policy, RoleRow
from ..plans.rows import merge, with_pending
from ..providers.base import PENDING
from ..providers.registry import PROVIDERS
from .connection import Connection


def read_rows(
    connection: Connection, providers: Sequence[str], principal: str | None = None
) -> dict[str, list[RoleRow] | PimError]:
    """By provider: one row for each role and scope, or why it could not be read. `principal`: somebody else's object id."""
    calls: list[Call] = []
    spans: dict[str, slice] = {}
    for name in providers:
        wanted = PROVIDERS[name].list_calls(principal, requests=principal is None)
        spans[name] = slice(len(calls), len(calls) + len(wanted))
        calls.extend(wanted)
    answers = connection.run(calls)
    whose = principal or connection.session.object_id
    found: dict[str, list[RoleRow] | PimError] = {}
    for name, span in spans.items():
        try:
            listing = PROVIDERS[name].read_lists(answers[span], connection.now())
        except PimError as error:
            error.provider = name
            found[name] = error
            continue
        found[name] = with_pending(merge(name, whose, listing.holdings, connection.now()), listing.requests, PENDING)
    return found


def read_policies(connection: Connection, rows: Sequence[RoleRow]) -> list[Policy | PimError]:
    """The policy of each row, in order, each role asked for once."""
    asked: dict[Call, int] = {}
    places = []
    for row in rows:
        call = PROVIDERS[row.provider].policy_call(row)
        places.append(asked.setdefault(call, len(asked)))
    answers = connection.run(list(asked)) if asked else []
    return [_policy(row, answers[place]) for row, place in zip(rows, places)]


def with_policies(connection: Connection, rows: Sequence[RoleRow]) -> tuple[list[RoleRow], list[PimError]]:
    """The same rows with their policies, and the failures of those that could not be read."""
    policies = read_policies(connection, rows)
    failures = [policy for policy in policies if isinstance(policy, PimError)]
    return [
        replace(row, policy=policy) if isinstance(policy, Policy) else row for row, policy in zip(rows, policies)
    ], failures


def _policy(row: RoleRow, answer: Answer | PimError) -> Policy | PimError:
    if isinstance(answer, PimError):
        return answer
    try:
        return PROVIDERS[row.provider].read_policy(answer)
    except PimError as error:
        return error
