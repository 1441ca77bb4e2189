# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which roles runs have left on that are gone, as the journal knows; the service is not asked. Private to the collection."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..errors import PimError
from ..plans.leases import Lease, leftovers, shared_roles
from ..state import runs
from ..state.journal import Journal
from ..state.sessions import Session
from .context import Context


def leftovers_of(session: Session | None, directory: str, context: Context) -> list[Lease]:
    """Those of the session's account."""
    if session is None:
        return []
    shared = shared_roles(Journal(directory, context.clock).lines())
    found = leftovers(shared, context.clock.now(), partial(runs.alive, directory))
    return [lease for lease in found if is_of(lease, session)]


def told_leftovers(session: Session | None, directory: str, context: Context) -> list[dict[str, Any]]:
    """The same as a result has them, and with a warning. A journal that cannot be read is a warning, too: it is not what was asked for."""
    try:
        found = leftovers_of(session, directory, context)
    except PimError as error:
        context.warn(f"Whether earlier runs have left roles on is not known: {error.sentence}")
        return []
    rows = [lease.as_leftover() for lease in found]
    if rows:
        names = ", ".join(
            f"{row['role']} at {row['scope']} ({'until ' + row['expires_at'] if row['expires_at'] else 'not known whether it came on'})"
            for row in rows
        )
        context.warn(
            f"A run that is gone has not given back: {names}. The role entra.pim.restore with restore_leftovers: true gives that back."
        )
    return rows


def is_of(lease: Lease, session: Session) -> bool:
    """Whether it is of the session's account."""
    whose = (lease.tenant_id.lower(), lease.principal_id.lower())
    return whose == (session.tenant_id.lower(), session.object_id.lower())
