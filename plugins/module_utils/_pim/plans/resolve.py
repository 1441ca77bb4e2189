# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the one row a playbook addresses. Pure. Private to the collection.

Never a first match, never part of a name: exactly one row, or an error that lists the candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Optional

from ..errors import PimError
from ..models import RoleRow, Wanted
from .rows import switched_off

_LISTED = 15


# Whether a scope of a provider lies below another one: (provider, scope, outer); None where nobody knows yet.
Below = Callable[[str, str, str], Optional[bool]]


def resolve(wanted: Wanted, rows: Sequence[RoleRow], below: Below, *, active: bool) -> RoleRow:
    """The caller's row for this role and scope; `unknown_role`, `not_eligible` or `ambiguous_role` otherwise.

    At a scope below that of an eligibility it is a row of its own, which stands on that eligibility. Without a scope, the rows that
    count are those where the role is eligible, or (`active` is False) active.
    """
    named = [row for row in rows if row.provider == wanted.provider and bears(row, wanted.role)]
    if not named:
        raise _unknown(wanted, [row for row in rows if row.provider == wanted.provider])
    if wanted.scope is None:
        found = _where_it_counts(named, active)
    else:
        found = _one_by_id([row for row in named if at(row, wanted.scope)], wanted.scope)
        found = _narrowed(wanted, wanted.scope, named, found, below)
    if not found:
        places = ", ".join(sorted({_place(row) for row in named}))
        raise PimError(
            "not_eligible",
            f"{wanted.role!r} is not among this account's roles at scope {wanted.scope}, but at {places}."
            + _meant(str(wanted.scope), [str(row.scope_name or row.scope) for row in named]),
            advice="Name one of these scopes, or ask an administrator for an eligible assignment.",
        ).about(provider=wanted.provider, role=wanted.role, scope=wanted.scope)
    if len(found) > 1:
        listed = "; ".join(f"{row.role} (role_id {row.role_id}) at {_place(row)}" for row in found[:_LISTED])
        raise PimError("ambiguous_role", f"{wanted.role!r} fits {len(found)} roles of this account: {listed}").about(
            provider=wanted.provider, role=wanted.role, scope=wanted.scope
        )
    return found[0]


def open_questions(wanted: Wanted, rows: Sequence[RoleRow], below: Below, *, renewing: bool = False) -> list[str]:
    """The scopes of which has to be known what lies below them, before this role can be resolved.

    `renewing`: it matters of an active role, too, on which eligibility it stands.
    """
    scope = wanted.scope
    named = [row for row in rows if row.provider == wanted.provider and bears(row, wanted.role)]
    if scope is None or any(at(row, scope) and (row.eligible or not renewing) for row in named):
        return []
    outer = [row for row in named if row.eligible]
    if any(below(row.provider, scope, str(row.scope)) for row in outer):
        return []
    return [str(row.scope) for row in outer if below(row.provider, scope, str(row.scope)) is None]


def _where_it_counts(named: Sequence[RoleRow], active: bool) -> list[RoleRow]:
    """Of a role without a scope: to be switched on, where it may be; to be switched off, where it is on or on its way."""
    if active:
        return [row for row in named if row.eligible] or list(named)
    on = [row for row in named if row.active] or [row for row in named if row.pending is not None]
    if on or len({row.role_id for row in named}) > 1:
        return on or list(named)
    # Off everywhere: there is no scope to be named.
    return [named[0] if len(named) == 1 else replace(named[0], scope=None, scope_name=None)]


def _one_by_id(found: list[RoleRow], scope: str) -> list[RoleRow]:
    """Of rows that a text fits, those that it fits as an id: a name can be given to anything."""
    return [row for row in found if str(row.scope).casefold() == scope.casefold()] or found


def _narrowed(
    wanted: Wanted, scope: str, named: Sequence[RoleRow], found: list[RoleRow], below: Below
) -> list[RoleRow]:
    """The rows found, able to be activated where an eligibility at a wider scope lets them; never at that wider scope itself."""
    if any(row.eligible for row in found) or len(found) > 1:
        return found
    wider = [row for row in named if row.eligible and below(row.provider, scope, str(row.scope))]
    if len({row.role_id for row in wider}) > 1:
        return wider
    if not wider:
        return found
    # The nearest one; of several at one depth, as management groups are, the one that lasts longest.
    best = max(wider, key=lambda row: (len(str(row.scope).split("/")), row.eligible_until is None, row.eligible_until))
    here = found[0] if found else switched_off(replace(best, scope=scope, scope_name=None, pending=None))
    return [replace(here, eligible=True, eligible_until=best.eligible_until, native=best.native)]


def bears(row: RoleRow, name: str) -> bool:
    """Whether this row's role has that name, in any case, or that id."""
    return name.casefold() in {told.casefold() for told in (row.role, row.role_id) if told}


def at(row: RoleRow, scope: str) -> bool:
    """Whether this row's scope is that one, by id or path or display name."""
    return scope.casefold() in {told.casefold() for told in (row.scope, row.scope_name) if told}


def _unknown(wanted: Wanted, rows: Sequence[RoleRow]) -> PimError:
    names = sorted({str(row.role) for row in rows})
    if not names:
        listed = "it has no roles here, neither eligible nor active"
    else:
        rest = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        listed = "it has " + ", ".join(names[:_LISTED]) + rest
    return PimError(
        "unknown_role", f"{wanted.role!r} is no role of this account: {listed}.{_meant(wanted.role, names)}"
    ).about(provider=wanted.provider, role=wanted.role, scope=wanted.scope)


def _meant(given: str, names: Iterable[str]) -> str:
    """For a near miss, what may have been meant."""
    known = {name.casefold(): name for name in names}
    # Only a refusal looks for what may have been meant.
    import difflib

    near = difflib.get_close_matches(given.casefold(), list(known), n=1, cutoff=0.75)
    return f" Did you mean {known[near[0]]!r}?" if near else ""


def _place(row: RoleRow) -> str:
    return f"{row.scope} ({row.scope_name})" if row.scope_name else str(row.scope)
