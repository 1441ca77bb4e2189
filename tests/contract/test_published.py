# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call the modules make and every answer of the simulator fits what is published of Graph's PIM."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from contract import recording
from contract.exchanges import Checker, Exchange

_REQUESTS = "v1.0/roleManagement/directory/roleAssignmentScheduleRequests"
_MINE = "filterByCurrentUser(on='{on}')"
# What has to be among the calls: without one of these the run has not covered what it is for.
COVERED = (
    "POST v1.0/$batch",
    f"POST {_REQUESTS}",
    f"POST {_REQUESTS}/{{unifiedRoleAssignmentScheduleRequest-id}}/cancel",
    f"GET {_REQUESTS}/{{unifiedRoleAssignmentScheduleRequest-id}}",
    f"GET {_REQUESTS}/{_MINE}",
    f"GET v1.0/roleManagement/directory/roleEligibilityScheduleInstances/{_MINE}",
    f"GET v1.0/roleManagement/directory/roleAssignmentScheduleInstances/{_MINE}",
    "GET v1.0/roleManagement/directory/roleEligibilityScheduleInstances",
    "GET v1.0/roleManagement/directory/roleAssignmentScheduleInstances",
    "GET v1.0/policies/roleManagementPolicyAssignments",
)


# Two refusals of one kind come in two forms.
CHANGES = {
    "controller": {"behaviour": {"error_envelope": "mixed"}},
    "module": {"behaviour": {"error_envelope": "wrapped"}},
}


@pytest.fixture(scope="module")
def recorded(graph, tmp_path_factory) -> dict[str, Sequence[Exchange]]:
    roles = [{"role": role, "duration": "1h"} for role in recording.roles_of("manyroles@contoso.example")[:20]]
    return recording.record_both(tmp_path_factory.mktemp("recorded"), CHANGES, variables={"twenty_roles": roles})


@pytest.mark.parametrize("edge", CHANGES)
def test_calls_and_answers_are_as_published(graph, recorded, edge, capsys):
    exchanges = recorded[edge]
    findings = Checker(graph).check(exchanges)
    with capsys.disabled():
        print(f"\n{edge}: {findings.summary()}")
    assert not findings.faults, "\n".join(sorted(set(findings.faults)))
    assert [name for name in COVERED if not findings.requests[name]] == []
    assert findings.requests.total() > 100
    # The check does bite: a property too many in one of these very replies is found.
    planted = next(exchange for exchange in exchanges if exchange.status == 201)
    planted.reply["planted"] = True
    assert any("reply.planted" in fault for fault in Checker(graph).check([planted]).faults)
    # Refusals of each kind were among the replies.
    assert {200, 201, 204, 400, 401, 403, 429, 503} <= set(findings.statuses)
    # A page beyond the first was fetched, and a batch was full.
    assert any("skiptoken" in exchange.target for exchange in exchanges)
    assert any(len(e.request["requests"]) == 20 for e in exchanges if e.target == "/v1.0/$batch")
