# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Activate or list Azure roles with msal and azure-mgmt-authorization: ``azure_mgmt_script.py WORK.json``.

Eight requests at a time, in threads.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msal
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.authorization.v2020_10_01.models import (
    RoleAssignmentScheduleRequest,
    RoleAssignmentScheduleRequestPropertiesScheduleInfo,
    RoleAssignmentScheduleRequestPropertiesScheduleInfoExpiration,
)

SCOPES = ["https://management.azure.com/.default"]
AT_ONCE = 8
# The whole tenant as a scope.
TENANT = ""
MINE = "asTarget()"


class Person:
    """Signed in with msal, whose cache is kept in a file."""

    def __init__(self, work):
        cache = msal.SerializableTokenCache()
        file = Path(work["cache"])
        if file.exists():
            cache.deserialize(file.read_text(encoding="utf-8"))
        app = msal.PublicClientApplication(
            work["client_id"],
            authority=work["authority"],
            instance_discovery=False,
            verify=work["ca_path"],
            token_cache=cache,
        )
        accounts = app.get_accounts()
        found = app.acquire_token_silent(SCOPES, accounts[0]) if accounts else None
        self._token = found or app.acquire_token_by_username_password(work["username"], work["password"], SCOPES)
        if cache.has_state_changed:
            file.touch(mode=0o600)
            file.write_text(cache.serialize(), encoding="utf-8")

    def get_token(self, *_scopes, **_options):
        return AccessToken(self._token["access_token"], int(time.time()) + self._token["expires_in"])


def activate(requests, row):
    expiration = RoleAssignmentScheduleRequestPropertiesScheduleInfoExpiration(type="AfterDuration", duration="PT1H")
    request = RoleAssignmentScheduleRequest(
        principal_id=row.principal_id,
        role_definition_id=row.role_definition_id,
        request_type="SelfActivate",
        linked_role_eligibility_schedule_id=row.role_eligibility_schedule_id,
        justification="A measurement",
        schedule_info=RoleAssignmentScheduleRequestPropertiesScheduleInfo(expiration=expiration),
    )
    try:
        requests.create(row.scope, str(uuid.uuid4()), request)
    except HttpResponseError as error:
        if error.error is None or error.error.code != "RoleAssignmentExists":
            raise


def name_of(row):
    return row.expanded_properties.role_definition.display_name


def main(work):
    azure = AuthorizationManagementClient(
        Person(work),
        str(uuid.UUID(int=0)),
        api_version="2020-10-01",
        base_url=work["url"],
        connection_verify=work["ca_path"],
    )
    rows = list(azure.role_eligibility_schedule_instances.list_for_scope(TENANT, MINE))
    print(f"rows={len(rows)}")
    wanted = [row for row in rows if name_of(row) in work["roles"]]
    if wanted:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda row: activate(azure.role_assignment_schedule_requests, row), wanted))
        held = {name_of(row) for row in azure.role_assignment_schedule_instances.list_for_scope(TENANT, MINE)}
        sys.exit(0 if held >= set(work["roles"]) else 1)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
