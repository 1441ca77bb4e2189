# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session as a sign-in leaves it, for the tests of what keeps it."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Session, Token

from unit.clocks import START

TENANT = "7a3c9b52-4d0e-4f6a-9b1c-2e8d5f0a6c41"
OID = "3fa5d2a0-0000-4000-8000-000000000001"


def session(name: str = "default", **changes) -> Session:
    made = Session(
        name=name,
        tenant_id=TENANT,
        tenant_names=["contoso.example"],
        object_id=OID,
        username="operator@contoso.example",
        principal_type="user",
        auth_method="password",
        client_id="14d82eec-204b-4c2f-b7e8-296a70dab67e",
        cloud="public",
        authority_url="https://localhost:1",
        graph_url="https://localhost:1",
        arm_url="https://localhost:1",
        ca_path=None,
        mfa=True,
        authentication_contexts=["c1"],
        claims=None,
        tokens={"graph": Token("an-access-token", START, START + 3600, ["User.Read"])},
        scopes={"graph": ["https://graph.microsoft.com/User.Read"]},
        refresh_token="a-refresh-token",
    )
    return replace(made, **changes)
