# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what accounts hold: the lists of all providers in as few calls as their APIs allow. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ..api.calls import Answer, Call
from ..errors import PimError
from ..models import Policy, Request, RoleRow
from ..plans.rows import merge, same_role, switched_off, with_requests
from ..providers.base import Listing
from ..providers.registry import PROVIDERS
from . import by_provider
from .connection import Connection


@dataclass(frozen=True)
class Found:
    """What one provider tells of an account. `requests` is None where they were not asked for, or may not be read."""

    rows: list[RoleRow]
    requests: list[Request] | None

    def again(self, row: RoleRow, now: datetime) -> RoleRow:
        """The row of the same role and scope; one that is not listed is not active, but may be on its way."""
        return same_role(row, self.rows) or with_requests([switched_off(row)], self.requests, now)[0]


def read_rows(
    connection: Connection, providers: Sequence[str], principal: str | None = None, *, requests: bool = True
) -> dict[str, Found | PimError]:
    """By provider: one row for each role and scope, or why it could not be read.

    `principal`: somebody else's object id. `requests`: own requests have to be known, also where that takes a call of its own.
    """
    wanted = {}
    for name in providers:
        with_them = principal is None and (requests or PROVIDERS[name].requests_are_free)
        wanted[name] = PROVIDERS[name].list_calls(principal, requests=with_them)
    found: dict[str, Listing | PimError] = {}
    for name, told in by_provider.answers(connection, wanted).items():
        try:
            found[name] = PROVIDERS[name].read_lists(told, connection.now())
        except PimError as error:
            error.provider = name
            found[name] = error
    whose, now = principal or connection.session.object_id, connection.now()
    lines = {name: listing.holdings for name, listing in found.items() if isinstance(listing, Listing)}
    named = by_provider.named(connection, lines)
    return {
        name: listing
        if isinstance(listing, PimError)
        else Found(with_requests(merge(name, whose, named[name], now), listing.requests, now), listing.requests)
        for name, listing in found.items()
    }


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
        return PROVIDERS[row.provider].read_policy(answer, row)
    except PimError as error:
        return error
