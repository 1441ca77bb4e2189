# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole tasks that decide: somebody else is quicker, answers are lost, approvals lie elsewhere, it is not up to the account."""

from __future__ import annotations

from unittest import mock

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.approval import OPERATION
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.access import Access

from unit.operations import approvals
from unit.operations.approvals import APPROVAL, GUID, Approvals, lost
from unit.operations.directory import error
from unit.state.saved import OID

_ACRS = "RoleAssignmentRequestAcrsValidationFailed"
EACH = pytest.mark.parametrize("provider", ["entra_roles", "groups", "azure_resources"])


@pytest.fixture
def decide(fake, tmp_path):
    """Runs a task that approves, before a service made with these changes; returns its result and the service."""

    def run(provider, *, check_mode=False, decision="approve", justification="why", **changes):
        service = Approvals(provider, fake, **changes)
        given = {"request_id": GUID, "provider": provider, "decision": decision, "justification": justification}
        result = approvals.run(OPERATION, service, str(tmp_path / "state"), check_mode, **given)
        assert "unexpected" not in str(result.get("failure")), result
        return result, service

    return run


@EACH
@pytest.mark.parametrize(("decision", "sent"), [("approve", "Approve"), ("deny", "Deny")])
def test_decided(decide, provider, decision, sent):
    result, service = decide(provider, decision=decision)
    assert (result["changed"], result["decision"]) == (True, decision)
    assert result["decided_by"] == {"id": OID, "name": "operator@contoso.example"}
    assert [one for _path, one in service.sent] == [sent]
    assert result["request"]["request_id"] == GUID
    assert result["diff"]["before"] == {"decision": None, "justification": None}
    assert result["diff"]["after"] == {"decision": decision, "justification": "why"}
    # List, look, decide.
    assert len(service.calls) == 3


@EACH
def test_check_mode_sends_nothing(decide, provider):
    result, service = decide(provider, check_mode=True)
    real, _service = decide(provider)
    assert (result["changed"], result["diff"]) == (True, real["diff"])
    assert service.sent == []


@EACH
@pytest.mark.parametrize("check_mode", [False, True])
def test_decided_before_the_same_way_or_the_other(decide, provider, check_mode):
    answers = {}
    for result in ("Approve", "Denied"):
        by = "principalName" if provider == "azure_resources" else "displayName"
        step = {"status": "Completed", "reviewResult": result, "reviewedBy": {by: "Anna"}}
        # A service may list what is decided, or not; where it does not, Azure's approval cannot be found.
        answers[result], service = decide(provider, check_mode=check_mode, step=step)
        assert service.sent == []
    assert (answers["Approve"]["changed"], answers["Approve"]["decision"]) == (False, "approve")
    assert answers["Approve"]["decided_by"]["name"] == "Anna"
    assert answers["Denied"]["failure"]["code"] == "already_decided"
    assert "denied already by Anna" in answers["Denied"]["msg"]
    assert answers["Denied"]["failure"]["role"] in ("Owner", "member")


@EACH
@pytest.mark.parametrize("status", ["Completed", "Expired"])
def test_nobody_can_decide_it_any_more(decide, provider, status):
    result, service = decide(provider, step={"status": status})
    assert result["failure"]["code"] == "unknown_request"
    assert service.sent == []


# Somebody else is quicker.


@EACH
@pytest.mark.parametrize("status", [409, 400])
def test_decided_between_look_and_decision_the_same_way(decide, provider, status):
    def quicker(service):
        service.decide("Approve")
        return status, error("Conflict")

    result, service = decide(provider, before_decision=quicker)
    assert (result["changed"], result["decision"], result["decided_by"]["name"]) == (False, "approve", "Anna")
    assert len(service.sent) == 1


@EACH
def test_decided_between_look_and_decision_the_other_way(decide, provider):
    result, service = decide(provider, before_decision=lambda service: service.decide("Deny"))
    assert (result["changed"], result["failure"]["code"]) == (False, "already_decided")
    assert "denied already by Anna" in result["msg"]
    assert len(service.sent) == 1


@EACH
def test_withdrawn_between_look_and_decision(decide, provider):
    result, _service = decide(provider, before_decision=lambda service: service.step.update(status="Completed"))
    assert result["failure"]["code"] == "unknown_request"


@EACH
def test_a_refusal_of_something_else_is_told_as_it_is(decide, provider):
    result, service = decide(provider, before_decision=lambda _service: (409, error("Conflict")))
    assert (result["failure"]["code"], result["failure"]["status"]) == ("Conflict", 409)
    assert len(service.sent) == 1


@EACH
def test_a_decision_without_a_justification_that_needs_one(decide, provider):
    refuse = {"before_decision": lambda _service: (400, error("BadRequest"))}
    result, _service = decide(provider, justification=None, **refuse)
    assert (result["failure"]["code"], result["failure"]["service_code"]) == ("policy_violation", "BadRequest")
    assert "justification" in result["msg"]
    result, _service = decide(provider, **refuse)
    assert result["failure"]["code"] == "BadRequest"
    # What the service says by a code of its own is that.
    result, _service = decide(provider, justification=None, before_decision=lambda _service: (400, error(_ACRS)))
    assert result["failure"]["code"] == "mfa_required"


# A service that asks who decides for more than the session has proved.


@EACH
def test_a_decision_is_sent_again_after_a_step_up(decide, provider):
    def refused_first(service):
        return (400, error(_ACRS)) if len(service.sent) == 1 else None

    with mock.patch.object(Access, "step_up") as step_up:
        result, service = decide(provider, before_decision=refused_first)
    assert (result["changed"], len(service.sent)) == (True, 2)
    ((api, claims, why), _options) = step_up.call_args
    assert api == ("arm" if provider == "azure_resources" else "graph")
    assert "amr" in claims
    assert GUID in why


@EACH
def test_a_step_up_that_cannot_be_had_is_told(decide, provider):
    """The session cannot refresh, and no person can be asked."""
    result, service = decide(provider, before_decision=lambda _service: (400, error(_ACRS)))
    assert (result["changed"], result["failure"]["code"], len(service.sent)) == (False, "mfa_required", 1)
    assert result["failure"]["service_code"] == _ACRS
    assert GUID in result["msg"]


@EACH
def test_a_service_that_is_never_satisfied_is_left(decide, provider):
    with mock.patch.object(Access, "step_up"):
        result, service = decide(provider, before_decision=lambda _service: (400, error(_ACRS)))
    assert (result["failure"]["code"], len(service.sent)) == ("mfa_required", 3)


# Answers that are lost.


@EACH
def test_a_lost_answer_of_what_was_carried_out_is_looked_for(decide, provider):
    def answer_lost(_service):
        raise lost()

    result, service = decide(provider, after_decision=answer_lost)
    assert (result["changed"], result["decision"], len(service.sent)) == (True, "approve", 1)
    # By somebody else it was not this task's doing.
    result, service = decide(
        provider, before_decision=lambda service: service.decide("Approve") or answer_lost(service)
    )
    assert (result["changed"], result["decision"], len(service.sent)) == (False, "approve", 1)


@EACH
def test_what_never_arrived_is_sent_once_more_after_the_looks(decide, provider, fake):
    def first_lost(service):
        if len(service.sent) == 1:
            raise lost()

    before = fake.clock.monotonic()
    result, service = decide(provider, before_decision=first_lost)
    assert (result["changed"], len(service.sent)) == (True, 2)
    assert fake.clock.monotonic() - before == 7.0


@EACH
@pytest.mark.parametrize("answer", ["lost", "failed"])
def test_a_fate_that_stays_unknown_is_told(decide, provider, answer):
    def always(_service):
        if answer == "lost":
            raise lost()
        return 503, error("ServiceUnavailable")

    result, service = decide(provider, before_decision=always)
    assert (result["changed"], len(service.sent)) == (False, 2)
    assert result["failure"]["code"] == ("network" if answer == "lost" else "service_unavailable")
    assert "could not be found out" in result["msg"]
    assert "Running again is safe" in result["msg"]


@EACH
def test_a_look_that_fails_leaves_the_fate_unknown(decide, provider):
    def blind(service):
        service.read = 500
        raise lost()

    result, service = decide(provider, before_decision=blind)
    assert (result["changed"], len(service.sent)) == (False, 1)
    assert "could not be found out" in result["msg"]


# Where approvals lie, and whose they are.


def test_groups_are_decided_where_the_service_has_them(decide):
    result, service = decide("groups")
    assert [path for path, _result in service.sent] == [
        f"/beta/identityGovernance/privilegedAccess/group/assignmentApprovals/{GUID}/steps/s1"
    ]
    result, service = decide("groups", steps_in_beta=False)
    assert result["changed"] is True
    assert [path for path, _result in service.sent] == [
        f"/v1.0/identityGovernance/privilegedAccess/group/assignmentApprovals/{GUID}/stages/s1"
    ]


def test_an_approval_of_azure_has_a_name_of_its_own(decide):
    _result, service = decide("azure_resources")
    ((path, _sent),) = service.sent
    assert f"/roleAssignmentApprovals/{APPROVAL}/stages/s1?" in path


@pytest.mark.parametrize("provider", ["entra_roles", "groups"])
def test_what_is_not_listed_is_found_by_the_id_of_the_request(decide, provider):
    """A list may lag behind."""
    result, _service = decide(provider, listed=False)
    assert (result["changed"], result["request"]) == (True, None)


@EACH
@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"principal": OID},
        {"principal": OID, "listed": False, "own": True, "step": {"assignedToMe": False}},
        {"principal": OID, "listed": False, "own": True, "read": 403},
        {"principal": OID, "listed": False, "own": True, "known": False},
    ],
    ids=["listed to decide", "readable", "unreadable", "unknown approval"],
)
def test_an_own_request(decide, provider, check_mode, changes):
    result, service = decide(provider, check_mode=check_mode, **changes)
    assert result["failure"]["code"] == "forbidden"
    assert "nobody decides an own request" in result["msg"]
    assert service.sent == []


@pytest.mark.parametrize("provider", ["entra_roles", "groups"])
@pytest.mark.parametrize("assigned", [False, None])
def test_who_is_no_approver_is_told_so(decide, provider, assigned):
    """In the real run the service decides, who knows best; check mode goes by what it says before."""
    changes = {"listed": False, "step": {"assignedToMe": assigned}}
    result, service = decide(provider, **changes, before_decision=lambda _service: (403, error("AccessDenied")))
    foretold, untouched = decide(provider, check_mode=True, **changes)
    for told in (result, foretold):
        assert told["failure"]["code"] == "forbidden"
        assert "not among the approvers" in told["msg"]
    assert (len(service.sent), untouched.sent) == (1, [])
    assert result["failure"]["service_code"] == "AccessDenied"


@pytest.mark.parametrize("provider", ["entra_roles", "groups"])
def test_an_approval_that_may_not_be_read(decide, provider):
    result, _service = decide(provider, listed=False, read=403)
    assert result["failure"]["code"] == "forbidden"
    assert result["failure"]["status"] == 403


@EACH
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_request_that_nobody_knows(decide, provider, check_mode):
    result, service = decide(provider, check_mode=check_mode, listed=False, known=False)
    assert (result["failure"]["code"], result["failure"]["provider"]) == ("unknown_request", provider)
    assert GUID in result["msg"]
    assert service.sent == []


@pytest.mark.parametrize("given", ["", "6b6f3e0c", f"{GUID}/steps", "../x", f"{GUID}\n"[:36] + "x"])
def test_what_is_no_id_is_unknown_before_any_call(fake, tmp_path, given):
    service = Approvals("entra_roles", fake)
    options = {"request_id": given, "provider": "entra_roles", "decision": "approve"}
    result = approvals.run(OPERATION, service, str(tmp_path / "state"), **options)
    assert result["failure"]["code"] == "unknown_request"
    assert service.calls == []


def test_an_id_in_another_spelling_is_the_same(fake, tmp_path):
    service = Approvals("entra_roles", fake)
    options = {"request_id": f" {GUID.upper()} ", "provider": "entra_roles", "decision": "approve"}
    assert approvals.run(OPERATION, service, str(tmp_path / "state"), **options)["changed"] is True
