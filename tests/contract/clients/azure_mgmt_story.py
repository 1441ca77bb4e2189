# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PIM of Azure resources with Microsoft's own clients, msal and azure-mgmt-authorization: what happened goes to stdout, one
JSON object on each line.

Run by the Python of a virtual environment that has them: ``azure_mgmt_story.py URL CA_FILE TENANT CLIENT_ID``. Two people sign
in by device code; the codes are the first two lines. Nothing here knows the collection or the simulator.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import msal
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.authorization.v2020_10_01.models import (
    RoleAssignmentScheduleRequest,
    RoleAssignmentScheduleRequestPropertiesScheduleInfo,
    RoleAssignmentScheduleRequestPropertiesScheduleInfoExpiration,
    RoleAssignmentScheduleRequestPropertiesTicketInfo,
)
from azure.mgmt.authorization.v2021_01_01_preview.models import RoleAssignmentApprovalStepProperties

SCOPES = ["https://management.azure.com/.default"]
MINE = "asTarget()"
VERSION = "2020-10-01"
APPROVALS = "2021-01-01-preview"
# The activation that is given back is this old; the tenant's floor is one second.
FLOOR_SECONDS = 1.5
# The id of the whole tenant as a scope.
TENANT = ""


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
        return AccessToken(result["access_token"], int(time.time()) + result["expires_in"])


def client(person: Person, url: str, ca_path: str, version: str = VERSION) -> AuthorizationManagementClient:
    """At another address than Microsoft's. The id of a subscription is of no use to PIM's operations."""
    return AuthorizationManagementClient(
        person, str(uuid.UUID(int=0)), api_version=version, base_url=url, connection_verify=ca_path, retry_total=0
    )


def activation(
    principal: str, row: Any, duration: str = "PT1H", *, start: datetime | None = None
) -> RoleAssignmentScheduleRequest:
    return RoleAssignmentScheduleRequest(
        principal_id=principal,
        role_definition_id=row.role_definition_id,
        request_type="SelfActivate",
        linked_role_eligibility_schedule_id=row.role_eligibility_schedule_id,
        justification="Contract test",
        schedule_info=RoleAssignmentScheduleRequestPropertiesScheduleInfo(
            start_date_time=start,
            expiration=RoleAssignmentScheduleRequestPropertiesScheduleInfoExpiration(
                type="AfterDuration", duration=duration
            ),
        ),
        ticket_info=RoleAssignmentScheduleRequestPropertiesTicketInfo(
            ticket_number="CHG-1", ticket_system="Change calendar"
        ),
    )


def refusal(call: Callable[[], Any]) -> tuple[int | None, str | None]:
    try:
        call()
    except HttpResponseError as error:
        return error.status_code, error.error.code if error.error else None
    return None, None


def name_of(row: Any) -> str:
    return f"{row.expanded_properties.role_definition.display_name} at {row.expanded_properties.scope.display_name}"


def story(
    azure: AuthorizationManagementClient, principal: str, approver: AuthorizationManagementClient, decide: Any
) -> None:
    eligible = {name_of(row): row for row in azure.role_eligibility_schedule_instances.list_for_scope(TENANT, MINE)}

    def active() -> dict[str, Any]:
        return {name_of(row): row for row in azure.role_assignment_schedule_instances.list_for_scope(TENANT, MINE)}

    tell(
        "eligible",
        rows=sorted(eligible),
        types=sorted({row.expanded_properties.scope.type for row in eligible.values()}),
        through_group=[name for name, row in eligible.items() if row.member_type == "Group"],
        condition=[name for name, row in eligible.items() if row.condition],
    )
    tell("active", rows={name: row.assignment_type for name, row in active().items()})
    tell("everybody", refused=refusal(lambda: list(azure.role_eligibility_schedule_instances.list_for_scope(TENANT))))

    contributor = eligible["Contributor at Production"]
    policies = list(azure.role_management_policy_assignments.list_for_scope(contributor.scope))
    policy = next(one for one in policies if one.role_definition_id == contributor.role_definition_id)
    rules = {rule.id: rule for rule in policy.effective_rules}
    tell(
        "policy",
        assignments=len(policies),
        rules=sorted(rules),
        types=sorted({type(rule).__name__ for rule in rules.values()}),
        maximum=rules["Expiration_EndUser_Assignment"].maximum_duration,
        enabled=rules["Enablement_EndUser_Assignment"].enabled_rules,
        approval=rules["Approval_EndUser_Assignment"].setting.is_approval_required,
    )

    requests = azure.role_assignment_schedule_requests

    def new() -> str:
        return str(uuid.uuid4())

    validated = requests.validate(contributor.scope, new(), activation(principal, contributor))
    too_long = activation(principal, contributor, "PT24H")
    tell(
        "validated",
        status=validated.status,
        active="Contributor at Production" in active(),
        refused=refusal(lambda: requests.validate(contributor.scope, new(), too_long)),
    )

    name = new()
    made = requests.create(contributor.scope, name, activation(principal, contributor))
    row = active()["Contributor at Production"]
    tell(
        "activated",
        status=made.status,
        name=made.name == name,
        type=row.assignment_type,
        seconds=(row.end_date_time - row.start_date_time).total_seconds(),
        using=row.linked_role_eligibility_schedule_id == contributor.role_eligibility_schedule_id,
    )
    tell(
        "again", refused=refusal(lambda: requests.create(contributor.scope, new(), activation(principal, contributor)))
    )
    mine = list(requests.list_for_scope(TENANT, MINE))
    tell("requests", rows=[(one.name == name, one.request_type, one.status) for one in mine])
    time.sleep(FLOOR_SECONDS)
    given = requests.create(
        contributor.scope,
        new(),
        RoleAssignmentScheduleRequest(
            principal_id=principal, role_definition_id=contributor.role_definition_id, request_type="SelfDeactivate"
        ),
    )
    tell("deactivated", status=given.status, active="Contributor at Production" in active())

    network, planned_name = eligible["Network Contributor at Connectivity"], new()
    later = datetime.now(timezone.utc) + timedelta(days=1)
    planned = requests.create(network.scope, planned_name, activation(principal, network, start=later))
    requests.cancel(network.scope, planned_name)
    found = [one for one in requests.list_for_scope(TENANT, MINE) if one.name == planned_name]
    tell(
        "cancelled",
        planned=planned.status,
        status=[one.status for one in found],
        again=refusal(lambda: requests.cancel(network.scope, planned_name)),
    )

    children = azure.eligible_child_resources.get(contributor.scope)
    tell("children", rows=[(one.name, one.type) for one in children])
    approval(azure, principal, eligible["User Access Administrator at Production"], approver, decide)


def approval(
    azure: AuthorizationManagementClient, principal: str, row: Any, approver: AuthorizationManagementClient, decide: Any
) -> None:
    name = str(uuid.uuid4())
    validated = azure.role_assignment_schedule_requests.validate(row.scope, name, activation(principal, row))
    asked = azure.role_assignment_schedule_requests.create(row.scope, name, activation(principal, row))
    waiting = list(approver.role_assignment_schedule_requests.list_for_scope(TENANT, "asApprover()"))
    approval_name = asked.approval_id.rpartition("/")[2]
    stages = decide.role_assignment_approval_steps.list(approval_name).value
    decision = RoleAssignmentApprovalStepProperties(review_result="Approve", justification="Contract test")
    # The client knows 200 only; recorded of the service is 204.
    answered = refusal(lambda: decide.role_assignment_approval_step.put(approval_name, stages[0].name, decision))
    after = [one for one in azure.role_assignment_schedule_requests.list_for_scope(TENANT, MINE) if one.name == name]
    tell(
        "approved",
        validated=validated.status,
        asked=asked.status,
        path=asked.approval_id.startswith("/providers/Microsoft.Authorization/roleAssignmentApprovals/"),
        waiting=[(one.name == name, one.status) for one in waiting],
        stages=[(one.status, one.review_result, one.assigned_to_me) for one in stages],
        answered=answered[0],
        status=[one.status for one in after],
        decided=decide.role_assignment_approval_step.get_by_id(approval_name, stages[0].name).review_result,
        twice=refusal(lambda: decide.role_assignment_approval_step.put(approval_name, stages[0].name, decision))[0],
    )


def main(url: str, ca_path: str, tenant: str, client_id: str) -> None:
    people = [Person(f"{url}/{tenant}", client_id, ca_path) for _number in range(2)]
    for person in people:
        tell("sign in", user_code=person.user_code)
    claims = [person.sign_in() for person in people]
    tell("signed in", people=[one["preferred_username"] for one in claims])
    operator, approver = people
    story(
        client(operator, url, ca_path),
        claims[0]["oid"],
        client(approver, url, ca_path),
        client(approver, url, ca_path, APPROVALS),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
