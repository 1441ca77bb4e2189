# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the table of the safety net says of a role, by the result of giving back."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.leases import Lease
from ansible_collections.entra.pim.plugins.plugin_utils._controller.became import (
    GIVEN_BACK,
    LEFT,
    NO_TIME,
    became,
)

from unit.clocks import NOW

LEASE = Lease("a", "T", "me", "entra_roles", "Reader", "id-reader", "/", None, None, NOW)
GONE = "not needed: it was not active any more"
OTHERS = "no: another run holds it, and gives it back"


def row(role_id: str = "ID-reader", **given: Any) -> dict[str, Any]:
    address = {"provider": "entra_roles", "role": "Reader", "role_id": role_id, "scope": "/"}
    return {**address, "changed": False, "status": None, **given}


def held_by_others(role: str, scope: str = "/") -> dict[str, Any]:
    return {"held_by_others": [{"provider": "entra_roles", "role": role, "scope": scope}]}


@pytest.mark.parametrize(
    ("result", "still", "wanted"),
    [
        (None, True, NO_TIME),
        (None, False, GIVEN_BACK),
        ({"roles": [row(changed=True, status="Revoked")]}, False, GIVEN_BACK),
        # A request that was withdrawn.
        ({"roles": [row(changed=True, status="Canceled")]}, False, GIVEN_BACK),
        ({"roles": [row(status="left_to_expire")]}, True, LEFT),
        ({"roles": [row()]}, False, GONE),
        ({"roles": [row()]}, True, "no: the service does not know of it, and may yet"),
        ({"roles": [row(failure={"message": "refused"})], "failed": True, "msg": "Refused."}, True, "no: refused"),
        ({"roles": [], "failed": True, "msg": "Nobody."}, True, "no: Nobody."),
        # The failure is another role's.
        ({"roles": [row(), row("other", failure={})], "failed": True, "msg": "Refused."}, False, GONE),
        (held_by_others("reader"), False, OTHERS),
        (held_by_others("id-reader"), False, OTHERS),
        (held_by_others("Reader", "/other"), False, GONE),
        # Another role of the same name.
        ({"roles": [row("id-twin", changed=True), row(status="left_to_expire")]}, True, LEFT),
        ({"roles": [row(changed=True)], **held_by_others("id-twin")}, False, GIVEN_BACK),
    ],
)
def test_what_became_of_a_role(result, still, wanted):
    assert became(LEASE, result, still) == wanted
