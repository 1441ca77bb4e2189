# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a role that was to be given back when a run ended, in words for the table of the safety net. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.entra.pim.plugins.module_utils._pim.plans.leases import Lease

GIVEN_BACK = "yes"
LEFT = "no: younger than five minutes, left to expire"
NO_TIME = "no: there was not time enough"
WATCHED = "later: a watcher gives it back when the five minutes are over"


def became(lease: Lease, result: Mapping[str, Any] | None, still: bool) -> str:
    """`result` as `pim_give_back` gives it, None where there is none; `still`: the run holds it afterwards."""
    if result is None:
        return NO_TIME if still else GIVEN_BACK
    row = next((row for row in result.get("roles", []) if _is_meant(lease, row, row.get("role_id"))), None)
    if any(_is_meant(lease, one, one.get("role")) for one in result.get("held_by_others", [])):
        return "no: another run holds it, and gives it back"
    if row is None and result.get("failed"):
        return f"no: {result['msg']}"
    if row is not None and row.get("failure"):
        return f"no: {row['failure']['message']}"
    if row is not None and row["status"] == "left_to_expire":
        return LEFT
    if row is not None and row["changed"]:
        return GIVEN_BACK
    return "no: the service does not know of it, and may yet" if still else "not needed: it was not active any more"


def _is_meant(lease: Lease, place: Mapping[str, Any], role: object) -> bool:
    """`role`: an id, or in an address a name where the account has one role of that name."""
    names = (lease.role.casefold(), lease.role_id.casefold())
    same_place = (place.get("provider"), place.get("scope")) == (lease.provider, lease.scope)
    return same_place and str(role).casefold() in names
