# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Activate or list Entra roles with msal and msgraph-sdk: ``msgraph_script.py WORK.json``.

All requests of one kind are sent at once, as an asynchronous client can.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path

import httpx
import msal
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphServiceClient
from msgraph.generated.models.expiration_pattern import ExpirationPattern
from msgraph.generated.models.expiration_pattern_type import ExpirationPatternType
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.request_schedule import RequestSchedule
from msgraph.generated.models.unified_role_assignment_schedule_request import UnifiedRoleAssignmentScheduleRequest
from msgraph.generated.models.unified_role_schedule_request_actions import UnifiedRoleScheduleRequestActions
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph_core import GraphClientFactory
from msgraph_core.tasks.page_iterator import PageIterator

SCOPES = ["https://graph.microsoft.com/.default"]


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
        return AccessToken(self._token["access_token"], self._token["expires_in"])


def client(work):
    http = httpx.AsyncClient(verify=ssl.create_default_context(cafile=work["ca_path"]), http2=True)
    adapter = GraphRequestAdapter(
        AzureIdentityAuthenticationProvider(Person(work), scopes=SCOPES),
        GraphClientFactory.create_with_default_middleware(client=http),
    )
    adapter.base_url = f"{work['url']}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


async def rows_of(graph, builder):
    parameters = type(builder).FilterByCurrentUserWithOnRequestBuilderGetQueryParameters(expand=["roleDefinition"])
    first = await builder.get(RequestConfiguration(query_parameters=parameters))
    rows = []
    await PageIterator(first, graph.request_adapter).iterate(lambda row: rows.append(row) or True)
    return rows


async def activate(requests, row):
    try:
        await requests.post(
            UnifiedRoleAssignmentScheduleRequest(
                action=UnifiedRoleScheduleRequestActions.SelfActivate,
                principal_id=row.principal_id,
                role_definition_id=row.role_definition_id,
                directory_scope_id=row.directory_scope_id,
                justification="A measurement",
                schedule_info=RequestSchedule(
                    expiration=ExpirationPattern(type=ExpirationPatternType.AfterDuration, duration="PT1H")
                ),
            )
        )
    except ODataError as error:
        if error.error.code != "RoleAssignmentExists":
            raise


async def main(work):
    graph = client(work)
    directory = graph.role_management.directory
    eligible = directory.role_eligibility_schedule_instances.filter_by_current_user_with_on("principal")
    rows = await rows_of(graph, eligible)
    print(f"rows={len(rows)}")
    wanted = [row for row in rows if row.role_definition.display_name in work["roles"]]
    if wanted:
        requests = directory.role_assignment_schedule_requests
        await asyncio.gather(*(activate(requests, row) for row in wanted))
        active = directory.role_assignment_schedule_instances.filter_by_current_user_with_on("principal")
        held = {row.role_definition.display_name for row in await rows_of(graph, active)}
        sys.exit(0 if held >= set(work["roles"]) else 1)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
