# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call the modules make for groups and for Azure roles, and every answer to it, fits what is published of both APIs."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from contract import recording
from contract.exchanges import Checker, Exchange

USER = "manyroles@contoso.example"
# The service's second way of doing things for the second edge, as far as what is published allows for it.
CHANGES: dict[str, dict[str, Any]] = {
    "controller": {"lag": {"azure_resources": {"deactivation_blind": "PT1M"}}},
    "module": {
        "lag": {"azure_resources": {"deactivation_blind": "PT1M"}},
        "azure": {"subscription_spelling": "plain", "upper_case_ids": True},
        "behaviour": {
            "error_envelope": "wrapped",
            "expand_group": "none",
            "azure_resources": {"linked_ids": "bare", "inherited_rows": "listed"},
        },
    },
}

_GROUP = "v1.0/identityGovernance/privilegedAccess/group"
_GROUP_REQUESTS = f"{_GROUP}/assignmentScheduleRequests"
_GROUP_REQUEST = f"{_GROUP_REQUESTS}/{{privilegedAccessGroupAssignmentScheduleRequest-id}}"
_MINE = "filterByCurrentUser(on='{on}')"
_AZURE = "/{scope}/providers/Microsoft.Authorization"
_AZURE_REQUESTS = f"{_AZURE}/roleAssignmentScheduleRequests"
_AZURE_REQUEST = f"{_AZURE_REQUESTS}/{{roleAssignmentScheduleRequestName}}"
# All that the client uses, no more and no less: without one of these the run has not covered what it is for.
GRAPH = {
    "POST v1.0/$batch",
    f"POST {_GROUP_REQUESTS}",
    f"POST {_GROUP_REQUEST}/cancel",
    f"GET {_GROUP_REQUEST}",
    f"GET {_GROUP_REQUESTS}/{_MINE}",
    f"GET {_GROUP}/eligibilityScheduleInstances/{_MINE}",
    f"GET {_GROUP}/assignmentScheduleInstances/{_MINE}",
    f"GET {_GROUP}/eligibilityScheduleInstances",
    f"GET {_GROUP}/assignmentScheduleInstances",
    "GET v1.0/policies/roleManagementPolicyAssignments",
}
ARM = {
    f"GET {_AZURE}/roleEligibilityScheduleInstances",
    f"GET {_AZURE}/roleAssignmentScheduleInstances",
    f"GET {_AZURE_REQUESTS}",
    f"GET {_AZURE_REQUEST}",
    f"PUT {_AZURE_REQUEST}",
    f"POST {_AZURE_REQUEST}/cancel",
    f"POST {_AZURE_REQUEST}/validate",
    f"GET {_AZURE}/roleManagementPolicyAssignments",
    f"GET {_AZURE}/eligibleChildResources",
}
# Refusals that have to be among the answers.
GRAPH_CODES = {
    "RoleAssignmentRequestPolicyValidationFailed",
    "ActiveDurationTooShort",
    "CannotDeleteLastAdminAssignment",
}
ARM_CODES = {
    "RoleAssignmentRequestPolicyValidationFailed",
    "RoleAssignmentDoesNotExist",
    "ActiveDurationTooShort",
    "AuthorizationFailed",
    "InsufficientPermissions",
}


@pytest.fixture(scope="module")
def recorded(graph, arm, tmp_path_factory) -> dict[str, Sequence[Exchange]]:
    twenty = [one for provider in ("groups", "azure_resources") for one in recording.addresses_of(USER, provider)]
    return recording.record_both(
        tmp_path_factory.mktemp("recorded"), CHANGES, "record_groups_and_azure.yml", {"twenty_roles": twenty}
    )


def _of_graph(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return [one for one in exchanges if one.target.startswith(("/v1.0/", "/beta/"))]


def _of_arm(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return [one for one in exchanges if not one.target.startswith(("/v1.0/", "/beta/"))]


def _codes(exchanges: Sequence[Exchange]) -> Iterator[str]:
    """The codes of refusals, of items of batches and wrapped ones, too."""
    for exchange in exchanges:
        reply = exchange.reply if isinstance(exchange.reply, dict) else {}
        for body in (reply, *(one.get("body") or {} for one in reply.get("responses", ()))):
            error = body.get("error", {})
            wrapped = error.get("code") == "UnknownError"
            code = json.loads(error["message"])["errorCode"] if wrapped else error.get("code")
            if code:
                yield code


@pytest.mark.parametrize("edge", CHANGES)
def test_groups(graph, recorded, edge, capsys):
    exchanges = _of_graph(recorded[edge])
    findings = Checker(graph).check(exchanges)
    with capsys.disabled():
        print(f"\n{edge}: {findings.summary()}")
    assert not findings.faults, "\n".join(sorted(set(findings.faults)))
    assert set(findings.requests) == GRAPH
    # Names of groups, where the service does not tell them with the rows.
    assert set(findings.beside) == ({"GET v1.0/groups"} if edge == "module" else set())
    assert {200, 201, 204, 400, 403} <= set(findings.statuses)
    assert set(_codes(exchanges)) >= GRAPH_CODES
    assert any("skiptoken" in exchange.target for exchange in exchanges)
    bodies = [body for body in _graph_bodies(exchanges) if "action" in body]
    assert {body["action"] for body in bodies} == {"selfActivate", "selfDeactivate"}
    assert {body["accessId"] for body in bodies} == {"member", "owner"}
    assert {"ticketInfo", "justification", "isValidationOnly", "scheduleInfo"} <= {
        name for body in bodies for name in body
    }
    assert any("startDateTime" in body.get("scheduleInfo", {}) for body in bodies)


@pytest.mark.parametrize("edge", CHANGES)
def test_azure_roles(arm, recorded, edge, capsys):
    exchanges = _of_arm(recorded[edge])
    findings = arm.check(exchanges, strictly=True)
    with capsys.disabled():
        print(f"\n{edge}: {findings.summary()}")
    assert not findings.faults, "\n".join(sorted(set(findings.faults)))
    assert set(findings.calls) == ARM
    assert not findings.beside
    assert {200, 201, 400, 401, 403, 429, 503} <= set(findings.statuses)
    assert set(_codes(exchanges)) >= ARM_CODES
    assert any("skiptoken" in exchange.target for exchange in exchanges)
    bodies = [one.request["properties"] for one in exchanges if one.method == "PUT"]
    assert {body["requestType"] for body in bodies} == {"SelfActivate", "SelfDeactivate"}
    assert {"linkedRoleEligibilityScheduleId", "condition", "ticketInfo", "justification", "scheduleInfo"} <= {
        name for body in bodies for name in body
    }
    assert any("startDateTime" in body.get("scheduleInfo", {}) for body in bodies)


@pytest.mark.parametrize("edge", CHANGES)
def test_a_request_of_azure_is_sent_again_only_as_it_was_and_where_it_was_not_taken(recorded, edge):
    sent: dict[str, list[Exchange]] = {}
    for exchange in _of_arm(recorded[edge]):
        if exchange.method == "PUT":
            sent.setdefault(exchange.target, []).append(exchange)
    again = [attempts for attempts in sent.values() if len(attempts) > 1]
    # The one that was throttled.
    assert [[one.status for one in attempts] for attempts in again] == [[429, 201]]
    assert all(one.request == attempts[0].request for attempts in again for one in attempts)


def _graph_bodies(exchanges: Sequence[Exchange]) -> Iterator[dict[str, Any]]:
    for exchange in exchanges:
        if exchange.target.endswith("/$batch"):
            yield from (item["body"] for item in exchange.request["requests"] if "body" in item)
        elif exchange.request:
            yield exchange.request


def _drop(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda body: body.pop(name)


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda body: body.update({name: value})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_set("planted", 1), "request.planted is unknown"),
        (_set("accessId", "admin"), "request.accessId is no privilegedAccessGroupRelationships"),
        (_set("action", "activate"), "request.action is no scheduleRequestActions"),
        (_set("status", 5), "request.status is no Edm.String"),
    ],
)
def test_the_check_bites_at_groups(graph, recorded, change, fault):
    planted = [copy.deepcopy(one) for one in _of_graph(recorded["controller"]) if one.request]
    change(next(body for body in _graph_bodies(planted) if "action" in body))
    assert any(fault in found for found in Checker(graph).check(planted).faults)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_set("planted", 1), "request.properties.planted is unknown"),
        (_set("requestType", "Activate"), "request.properties.requestType is 'Activate', which is none of"),
        (_set("scope", "/"), "request.properties.scope is told by the service only"),
        (_drop("principalId"), "request.properties lacks principalId"),
        (_drop("roleDefinitionId"), "request.properties lacks roleDefinitionId"),
        (_drop("requestType"), "request.properties lacks requestType"),
    ],
)
@pytest.mark.parametrize("status", [201, 403])
def test_the_check_bites_at_azure_roles(arm, recorded, status, change, fault):
    """At what was taken, and at what was refused anyway."""
    planted = copy.deepcopy(
        next(one for one in _of_arm(recorded["controller"]) if one.method == "PUT" and one.status == status)
    )
    change(planted.request["properties"])
    assert any(fault in found for found in arm.check([planted], strictly=True).faults)
