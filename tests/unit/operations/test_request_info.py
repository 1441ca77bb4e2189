# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole tasks that list requests: which are pending, in which order, whom one has to ask, and what could not be read."""

from __future__ import annotations

import json
from collections import Counter
from urllib.parse import unquote

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.request_info import OPERATION

from unit.operations import approvals
from unit.operations.approvals import Approvals
from unit.operations.directory import error, reply
from unit.state.saved import OID

_APPROVERS = [
    {"@odata.type": "#microsoft.graph.singleUser", "userId": "u1", "description": "Anna"},
    {"@odata.type": "#microsoft.graph.groupMembers", "groupId": "g1", "description": None},
]


def body(request_id, status, *, minute=0, role="r1", start=None):
    return {
        "id": request_id,
        "status": status,
        "action": "selfActivate",
        "principalId": OID,
        "createdDateTime": f"2030-03-17T17:{minute:02}:00Z",
        "roleDefinitionId": role,
        "directoryScopeId": "/",
        "scheduleInfo": {"startDateTime": start},
    }


class Requests(Approvals):
    """Lists these requests, whatever the filter; ``policies`` answers for the policy of a role."""

    rows: tuple | list = ()
    policies = staticmethod(lambda _role: (200, {"value": [_policy(_APPROVERS)]}))

    def send(self, method, url, *, json_body=None, **_options):
        if url.endswith("/$batch"):
            items = json_body["requests"]
            told = [(one["id"], self._one(one["url"])) for one in items]
            answers = [{"id": name, "status": status, "body": made} for name, (status, made) in told]
            return reply(200, {"responses": answers})
        return reply(*self._one(url))

    def _one(self, url):
        path = unquote(url)
        self.calls.append(path)
        if "/policies/" in path:
            return self.policies(path.partition("roleDefinitionId eq '")[2].partition("'")[0])
        return 200, {"value": self.rows}


def _policy(approvers):
    setting = {"isApprovalRequired": True, "approvalStages": [{"primaryApprovers": approvers}]}
    return {"policy": {"rules": [{"id": "Approval_EndUser_Assignment", "setting": setting}]}}


@pytest.fixture
def ask(fake, tmp_path):
    """Runs a task before a service with these rows; returns its result and the service."""

    def run(rows, policies=None, **given):
        service = Requests("entra_roles", fake)
        service.rows = rows
        if policies is not None:
            service.policies = policies
        return approvals.run(OPERATION, service, str(tmp_path / "state"), **given), service

    return run


LATER = "2100-01-01T00:00:00Z"
ROWS = [
    body("waiting", "PendingApproval", minute=1),
    body("older", "PendingApprovalProvisioning", minute=0),
    body("scheduled", "Granted", minute=2, start=LATER),
    body("arriving", "PendingProvisioning", minute=3),
    body("done", "Provisioned", minute=4),
    body("denied", "Denied", minute=5),
    body("new word", "Reconsidered", minute=6),
]


def ids(result):
    return [one["request_id"] for one in result["requests"]]


@pytest.mark.parametrize("status", [None, []])
def test_all_newest_first(ask, status):
    result, service = ask(ROWS, status=status)
    assert ids(result) == ["new word", "denied", "done", "arriving", "scheduled", "waiting", "older"]
    assert result["changed"] is False
    assert result["providers"] == {"entra_roles": {"status": "ok", "count": 7, "message": None}}
    assert "on='principal'" in service.calls[0]
    assert "$filter" not in service.calls[0]


def test_pending_for_who_asked_and_for_who_decides(ask):
    result, _service = ask(ROWS, status=["Pending"])
    assert ids(result) == ["new word", "arriving", "scheduled", "waiting", "older"]
    result, service = ask(ROWS, status=["pending"], **{"as": "approver"})
    assert ids(result) == ["waiting", "older"]
    assert "on='approver'" in service.calls[0]
    # It stands for several, and only one can be asked for.
    assert "$filter" not in service.calls[0]


def test_a_single_status_is_asked_of_the_service_and_looked_at_again(ask):
    result, service = ask(ROWS, status=[" dENIED "])
    assert ids(result) == ["denied"]
    assert "?$filter=status eq 'Denied'&" in service.calls[0]


def test_several_statuses(ask):
    result, service = ask(ROWS, status=["denied", "PROVISIONED", "denied"])
    assert ids(result) == ["denied", "done"]
    assert "$filter" not in service.calls[0]
    result, _service = ask(ROWS, status=["denied", "pending"], **{"as": "approver"})
    assert ids(result) == ["denied", "waiting", "older"]


@pytest.mark.parametrize("status", [["PendingAproval"], ["pending", ""], ["all"]])
def test_a_status_that_does_not_exist_is_refused_before_any_call(ask, status):
    result, service = ask(ROWS, status=status)
    assert result["failure"]["code"] == "invalid_option"
    assert "PendingApproval" in result["msg"]
    assert service.calls == []


def test_approvers_of_what_waits_each_policy_read_once(ask):
    rows = [body(f"w{place}", "PendingApproval", role=f"r{place % 2}") for place in range(4)]
    result, service = ask([*rows, body("done", "Provisioned")])
    told = {one["request_id"]: one["approvers"] for one in result["requests"]}
    named = [{"id": "u1", "name": "Anna", "type": "user"}, {"id": "g1", "name": None, "type": "group"}]
    assert told == {**{f"w{place}": named for place in range(4)}, "done": None}
    assert Counter("/policies/" in path for path in service.calls) == {False: 1, True: 2}


def test_a_policy_that_names_nobody_is_an_empty_list(ask):
    result, _service = ask([ROWS[0]], lambda _role: (200, {"value": [_policy([])]}))
    assert result["requests"][0]["approvers"] == []
    assert result["warnings"] == []


def test_policies_that_cannot_be_read_are_warned_about(ask):
    rows = [body("a", "PendingApproval", role="r1"), body("b", "PendingApproval", role="r2")]

    def policies(role):
        return (403, error("AccessDenied")) if role == "r1" else (200, {"value": [_policy(_APPROVERS)]})

    result, _service = ask(rows, policies)
    told = {one["request_id"]: one["approvers"] for one in result["requests"]}
    assert told["a"] is None
    assert len(told["b"]) == 2
    assert result["warnings"] == ["The approvers of 1 requests could not be read (forbidden)."]


def test_nothing_found_says_where_it_looked(ask):
    result, _service = ask([], status=["pending"], **{"as": "approver"})
    assert result["requests"] == []
    for told in ("operator@contoso.example", "may decide", "entra_roles", "status pending"):
        assert told in result["msg"]


def test_a_result_can_be_written_down(ask):
    result, _service = ask([{**ROWS[0], "justification": "\ud800", "principal": {"displayName": "\x1b[31m"}}])
    json.dumps(result).encode()
    assert result["requests"][0]["justification"] is None
