# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra roles and groups with Microsoft's own clients, msal and msgraph-sdk: what happened goes to stdout, one JSON object on each line.

Run by the Python of a virtual environment that has them: ``msgraph_story.py URL CA_FILE TENANT CLIENT_ID``. Two people sign in
by device code; the codes are the first two lines. Nothing here knows the collection or the simulator.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import msal
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphServiceClient
from msgraph.generated.models.approval_stage import ApprovalStage
from msgraph.generated.models.expiration_pattern import ExpirationPattern
from msgraph.generated.models.expiration_pattern_type import ExpirationPatternType
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.privileged_access_group_assignment_schedule_request import (
    PrivilegedAccessGroupAssignmentScheduleRequest,
)
from msgraph.generated.models.privileged_access_group_relationships import PrivilegedAccessGroupRelationships
from msgraph.generated.models.request_schedule import RequestSchedule
from msgraph.generated.models.schedule_request_actions import ScheduleRequestActions
from msgraph.generated.models.ticket_info import TicketInfo
from msgraph.generated.models.unified_role_assignment_schedule_request import UnifiedRoleAssignmentScheduleRequest
from msgraph.generated.models.unified_role_schedule_request_actions import UnifiedRoleScheduleRequestActions
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph_beta import GraphServiceClient as BetaServiceClient
from msgraph_beta.generated.models.approval_step import ApprovalStep
from msgraph_beta.generated.models.o_data_errors.o_data_error import ODataError as BetaError
from msgraph_beta.graph_request_adapter import GraphRequestAdapter as BetaRequestAdapter
from msgraph_core import GraphClientFactory
from msgraph_core.tasks.page_iterator import PageIterator

GRAPH = "https://graph.microsoft.com"
SCOPES = [
    f"{GRAPH}/{name}"
    for name in (
        "RoleEligibilitySchedule.Read.Directory",
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "RoleManagementPolicy.Read.Directory",
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
        "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
        "RoleManagementPolicy.Read.AzureADGroup",
        "GroupMember.Read.All",
        "User.Read",
    )
]
# The activation that is given back is this old; the tenant's floor is one second.
FLOOR_SECONDS = 1.5


def tell(what: str, **values: Any) -> None:
    print(json.dumps({"what": what, **values}, default=str), flush=True)


class Person:
    """Somebody signed in with msal, as azure.core's credentials are."""

    def __init__(self, authority: str, client_id: str, ca_path: str) -> None:
        self._app = msal.PublicClientApplication(
            client_id, authority=authority, instance_discovery=False, verify=ca_path
        )
        self._flow = self._app.initiate_device_flow(scopes=SCOPES)

    @property
    def user_code(self) -> str:
        return str(self._flow["user_code"])

    def sign_in(self) -> dict[str, Any]:
        result = self._app.acquire_token_by_device_flow(self._flow)
        if "access_token" not in result:
            raise SystemExit(f"{result.get('error')}: {result.get('error_description')}")
        return dict(result["id_token_claims"])

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """msal refreshes where it has to."""
        result = self._app.acquire_token_silent(SCOPES, account=self._app.get_accounts()[0])
        return AccessToken(result["access_token"], result["expires_in"])


def clients(person: Person, url: str, ca_path: str) -> tuple[GraphServiceClient, BetaServiceClient]:
    """Both versions at another address than Microsoft's."""
    made = []
    for client, adapter_class, version in (
        (GraphServiceClient, GraphRequestAdapter, "v1.0"),
        (BetaServiceClient, BetaRequestAdapter, "beta"),
    ):
        http = httpx.AsyncClient(verify=ssl.create_default_context(cafile=ca_path), http2=True)
        adapter = adapter_class(
            AzureIdentityAuthenticationProvider(person, scopes=SCOPES),
            GraphClientFactory.create_with_default_middleware(client=http),
        )
        adapter.base_url = f"{url}/{version}"
        made.append(client(request_adapter=adapter))
    return made[0], made[1]


def options(builder: Any, **values: Any) -> RequestConfiguration:
    """$filter, $expand and so on for the GET of a request builder."""
    parameters = next(value for name, value in vars(type(builder)).items() if name.endswith("GetQueryParameters"))
    return RequestConfiguration(query_parameters=parameters(**values))


async def all_pages(graph: GraphServiceClient, page: Any) -> list[Any]:
    rows: list[Any] = []
    iterator = PageIterator(page, graph.request_adapter)
    await iterator.iterate(lambda row: rows.append(row) or True)
    return rows


def activation(
    principal: str, role: str, duration: str = "PT1H", *, start: datetime | None = None, validate: bool = False
) -> UnifiedRoleAssignmentScheduleRequest:
    return UnifiedRoleAssignmentScheduleRequest(
        action=UnifiedRoleScheduleRequestActions.SelfActivate,
        principal_id=principal,
        role_definition_id=role,
        directory_scope_id="/",
        justification="Contract test",
        is_validation_only=validate or None,
        schedule_info=RequestSchedule(
            start_date_time=start,
            # As text, which is how the documentation's samples do it: of a timedelta the SDK makes "1:00:00".
            expiration=ExpirationPattern(type=ExpirationPatternType.AfterDuration, duration=duration),
        ),
        ticket_info=TicketInfo(ticket_number="CHG-1", ticket_system="Change calendar"),
    )


async def refusal(call: Any) -> tuple[int | None, str | None]:
    try:
        await call
    except (ODataError, BetaError) as error:
        return error.response_status_code, error.error.code if error.error else None
    return None, None


async def story(graph: GraphServiceClient, principal: str, approver: Sequence[Any]) -> None:
    directory = graph.role_management.directory
    eligible_builder = directory.role_eligibility_schedule_instances.filter_by_current_user_with_on("principal")
    active_builder = directory.role_assignment_schedule_instances.filter_by_current_user_with_on("principal")
    requests = directory.role_assignment_schedule_requests

    page = await eligible_builder.get(options(eligible_builder, expand=["roleDefinition", "directoryScope"]))
    eligible = await all_pages(graph, page)
    roles = {row.role_definition.display_name: row.role_definition_id for row in eligible}
    tell(
        "eligible",
        first_page=len(page.value),
        rows=len(eligible),
        roles=sorted(roles),
        scopes=sorted({row.directory_scope_id for row in eligible}),
    )

    async def active() -> dict[str, Any]:
        first = await active_builder.get(
            options(active_builder, expand=["roleDefinition", "principal", "activatedUsing"])
        )
        return {row.role_definition.display_name: row for row in await all_pages(graph, first)}

    before = await active()
    tell(
        "active",
        roles={name: row.assignment_type for name, row in before.items()},
        permanent=[name for name, row in before.items() if row.end_date_time is None],
    )

    policies = graph.policies.role_management_policy_assignments
    wanted = f"scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq '{roles['Security Reader']}'"
    found = await policies.get(options(policies, filter=wanted, expand=["policy($expand=rules)"]))
    rules = {rule.id: rule for rule in found.value[0].policy.rules}
    tell(
        "policy",
        rules=sorted(rules),
        types=sorted({type(rule).__name__ for rule in rules.values()}),
        maximum=rules["Expiration_EndUser_Assignment"].maximum_duration.total_seconds(),
        enabled=rules["Enablement_EndUser_Assignment"].enabled_rules,
        approval=rules["Approval_EndUser_Assignment"].setting.is_approval_required,
    )
    tell("no provider", refused=await refusal(policies.get()))

    reader = roles["Security Reader"]
    validated = await requests.post(activation(principal, reader, validate=True))
    tell(
        "validated",
        status=validated.status,
        only=validated.is_validation_only,
        active="Security Reader" in await active(),
    )
    tell("refused", refused=await refusal(requests.post(activation(principal, reader, "PT24H", validate=True))))

    made = await requests.post(activation(principal, reader))
    row = (await active())["Security Reader"]
    tell(
        "activated",
        status=made.status,
        type=row.assignment_type,
        seconds=(row.end_date_time - row.start_date_time).total_seconds(),
        principal=row.principal.display_name,
        using=row.activated_using.role_definition_id == reader,
    )
    tell("again", refused=await refusal(requests.post(activation(principal, reader))))
    await asyncio.sleep(FLOOR_SECONDS)
    given = await requests.post(
        UnifiedRoleAssignmentScheduleRequest(
            action=UnifiedRoleScheduleRequestActions.SelfDeactivate,
            principal_id=principal,
            role_definition_id=reader,
            directory_scope_id="/",
        )
    )
    tell("deactivated", status=given.status, active="Security Reader" in await active())

    later = datetime.now(timezone.utc) + timedelta(days=1)
    planned = await requests.post(activation(principal, roles["User Administrator"], start=later))
    request = requests.by_unified_role_assignment_schedule_request_id(planned.id)
    await request.cancel.post()
    tell(
        "cancelled",
        planned=planned.status,
        status=(await request.get()).status,
        again=await refusal(request.cancel.post()),
    )

    await approval(graph, principal, roles["Privileged Role Administrator"], *approver)


async def approval(
    graph: GraphServiceClient, principal: str, role: str, approver: GraphServiceClient, approver_beta: BetaServiceClient
) -> None:
    requests = graph.role_management.directory.role_assignment_schedule_requests
    asked = await requests.post(activation(principal, role))
    waiting_builder = (
        approver.role_management.directory.role_assignment_schedule_requests.filter_by_current_user_with_on("approver")
    )
    waiting = await waiting_builder.get(
        options(waiting_builder, filter="status eq 'PendingApproval'", expand=["roleDefinition", "principal"])
    )
    approvals = approver_beta.role_management.directory.role_assignment_approvals.by_approval_id(asked.approval_id)
    steps = (await approvals.steps.get()).value
    step = approvals.steps.by_approval_step_id(steps[0].id)
    decision = ApprovalStep(review_result="Approve", justification="Contract test")
    await step.patch(decision)
    request = await requests.by_unified_role_assignment_schedule_request_id(asked.id).get()
    tell(
        "approved",
        asked=asked.status,
        waiting=[(one.id == asked.id, one.role_definition.display_name) for one in waiting.value],
        steps=[(one.status, one.review_result, one.assigned_to_me) for one in steps],
        status=request.status,
        decided=(await step.get()).review_result,
    )
    tell("decided twice", refused=await refusal(step.patch(decision)))


def membership(
    principal: str, group: str, *, action: ScheduleRequestActions, validate: bool = False
) -> PrivilegedAccessGroupAssignmentScheduleRequest:
    request = PrivilegedAccessGroupAssignmentScheduleRequest(
        action=action,
        access_id=PrivilegedAccessGroupRelationships.Member,
        principal_id=principal,
        group_id=group,
        is_validation_only=validate or None,
    )
    if action == ScheduleRequestActions.SelfActivate:
        request.justification = "Contract test"
        expiration = ExpirationPattern(type=ExpirationPatternType.AfterDuration, duration="PT1H")
        request.schedule_info = RequestSchedule(expiration=expiration)
    return request


async def groups(graph: GraphServiceClient, principal: str, approver: GraphServiceClient) -> None:
    of_pim = graph.identity_governance.privileged_access.group
    eligible_builder = of_pim.eligibility_schedule_instances.filter_by_current_user_with_on("principal")
    active_builder = of_pim.assignment_schedule_instances.filter_by_current_user_with_on("principal")
    requests = of_pim.assignment_schedule_requests

    page = await eligible_builder.get(options(eligible_builder, expand=["group", "principal"]))
    eligible = await all_pages(graph, page)
    ids = {row.group.display_name: row.group_id for row in eligible}
    tell(
        "eligible groups",
        first_page=len(page.value),
        held=sorted((row.group.display_name, row.access_id, row.member_type) for row in eligible),
        mine={row.principal_id == principal for row in eligible if row.member_type == "direct"},
    )

    async def active() -> dict[str, Any]:
        first = await active_builder.get(options(active_builder, expand=["group", "activatedUsing"]))
        return {row.group.display_name: row for row in await all_pages(graph, first)}

    tell("active groups", held={name: row.assignment_type for name, row in (await active()).items()})
    everybodys = of_pim.assignment_schedule_instances
    filtered = await everybodys.get(options(everybodys, filter=f"principalId eq '{principal}'"))
    tell("groups filtered", rows=len(filtered.value), without=await refusal(everybodys.get()))

    admins = ids["Server Admins"]
    found = await graph.groups.get(options(graph.groups, filter=f"id in ('{admins}')", select=["id", "displayName"]))
    policies = graph.policies.role_management_policy_assignments
    wanted = f"scopeId eq '{admins}' and scopeType eq 'Group'"
    assigned = await policies.get(options(policies, filter=wanted, expand=["policy($expand=rules)"]))
    rules = {rule.id: rule for rule in assigned.value[0].policy.rules}
    tell(
        "policies of a group",
        names=[group.display_name for group in found.value],
        roles=sorted(one.role_definition_id for one in assigned.value),
        scope=assigned.value[0].policy.scope_id == admins,
        rules=len(rules),
        maximum=rules["Expiration_EndUser_Assignment"].maximum_duration.total_seconds(),
        must_end=rules["Expiration_Admin_Eligibility"].is_expiration_required,
    )

    activate = ScheduleRequestActions.SelfActivate
    validated = await requests.post(membership(principal, admins, action=activate, validate=True))
    made = await requests.post(membership(principal, admins, action=activate))
    row = (await active())["Server Admins"]
    tell(
        "activated a group",
        validated=(validated.status, validated.is_validation_only),
        status=made.status,
        target=made.target_schedule_id == f"{admins}_member_{made.id}",
        type=row.assignment_type,
        seconds=(row.end_date_time - row.start_date_time).total_seconds(),
        using=row.activated_using.group_id == admins,
        again=await refusal(requests.post(membership(principal, admins, action=activate))),
    )
    await asyncio.sleep(FLOOR_SECONDS)
    given = await requests.post(membership(principal, admins, action=ScheduleRequestActions.SelfDeactivate))
    tell("deactivated a group", status=given.status, active="Server Admins" in await active())

    asked = await requests.post(membership(principal, ids["Change Board"], action=activate))
    others = approver.identity_governance.privileged_access.group
    waiting_builder = others.assignment_schedule_requests.filter_by_current_user_with_on("approver")
    waiting = await waiting_builder.get(options(waiting_builder, filter="status eq 'PendingApproval'"))
    stages = others.assignment_approvals.by_approval_id(asked.approval_id).stages
    (stage,) = (await stages.get()).value
    decision = ApprovalStage(review_result="Deny", justification="Contract test")
    await stages.by_approval_stage_id(stage.id).patch(decision)
    request = await requests.by_privileged_access_group_assignment_schedule_request_id(asked.id).get()
    tell(
        "denied a group",
        asked=asked.status,
        waiting=[one.id == asked.id for one in waiting.value],
        stage=(stage.status, stage.review_result, stage.assigned_to_me),
        status=request.status,
    )


async def whole(people: list[Sequence[Any]], principal: str) -> None:
    """In one loop: a client is bound to the one that it was first used in."""
    operator, approver = people
    await story(operator[0], principal, approver)
    await groups(operator[0], principal, approver[0])


def main(url: str, ca_path: str, tenant: str, client_id: str) -> None:
    people = [Person(f"{url}/{tenant}", client_id, ca_path) for _number in range(2)]
    for person in people:
        tell("sign in", user_code=person.user_code)
    claims = [person.sign_in() for person in people]
    tell("signed in", people=[one["preferred_username"] for one in claims])
    asyncio.run(whole([clients(person, url, ca_path) for person in people], claims[0]["oid"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
