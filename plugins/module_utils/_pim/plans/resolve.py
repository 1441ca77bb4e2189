# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the one row a playbook addresses. Pure. Private to the collection.

Never a first match, never part of a name: exactly one row, or an error that lists the candidates.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ..errors import PimError
from ..models import RoleRow, Wanted

_LISTED = 15


def resolve(wanted: Wanted, rows: Sequence[RoleRow]) -> RoleRow:
    """The caller's row for this role and scope; `unknown_role`, `not_eligible` or `ambiguous_role` otherwise."""
    named = [row for row in rows if row.provider == wanted.provider and bears(row, wanted.role)]
    if not named:
        raise _unknown(wanted, [row for row in rows if row.provider == wanted.provider])
    found = [row for row in named if wanted.scope is None or at(row, wanted.scope)]
    if not found:
        places = ", ".join(sorted({_place(row) for row in named}))
        raise PimError(
            "not_eligible",
            f"{wanted.role!r} is not among this account's roles at scope {wanted.scope}, but at {places}",
            advice="Name one of these scopes, or ask an administrator for an eligible assignment.",
        ).about(provider=wanted.provider, role=wanted.role, scope=wanted.scope)
    if len(found) > 1:
        listed = "; ".join(f"{row.role} (role_id {row.role_id}) at {_place(row)}" for row in found[:_LISTED])
        raise PimError("ambiguous_role", f"{wanted.role!r} fits {len(found)} roles of this account: {listed}").about(
            provider=wanted.provider, role=wanted.role, scope=wanted.scope
        )
    return found[0]


def bears(row: RoleRow, name: str) -> bool:
    """Whether this row's role has that name, in any case, or that id."""
    return name.casefold() in {told.casefold() for told in (row.role, row.role_id) if told}


def at(row: RoleRow, scope: str) -> bool:
    """Whether this row's scope is that one, by id or path or display name."""
    return scope.casefold() in {told.casefold() for told in (row.scope, row.scope_name) if told}


def _unknown(wanted: Wanted, rows: Sequence[RoleRow]) -> PimError:
    names = sorted({str(row.role) for row in rows})
    near = difflib.get_close_matches(wanted.role.casefold(), [name.casefold() for name in names], n=1, cutoff=0.75)
    meant = next((f" Did you mean {name!r}?" for name in names if near and name.casefold() == near[0]), "")
    if not names:
        listed = "it has no roles here, neither eligible nor active"
    else:
        rest = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        listed = "it has " + ", ".join(names[:_LISTED]) + rest
    return PimError("unknown_role", f"{wanted.role!r} is no role of this account: {listed}.{meant}").about(
        provider=wanted.provider, role=wanted.role, scope=wanted.scope
    )


def _place(row: RoleRow) -> str:
    return f"{row.scope} ({row.scope_name})" if row.scope_name else str(row.scope)
