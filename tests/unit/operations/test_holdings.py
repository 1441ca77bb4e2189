# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that was seen before, found again in what one provider tells now."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim import models
from ansible_collections.entra.pim.plugins.module_utils._pim.api.calls import Answer
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.holdings import Found, read_rows
from hypothesis import given
from hypothesis import strategies as st

from unit import role_rows
from unit.clocks import NOW
from unit.role_rows import activated, eligible, request

RG = "/subscriptions/1/resourceGroups/rg"


def test_the_row_that_is_listed_is_the_one():
    rows = [eligible("Writer"), activated("Reader"), eligible("Reader", RG)]
    assert Found(rows, None).again(eligible("Reader"), NOW) is rows[1]
    assert Found(rows, None).again(activated("Reader", RG), NOW) is rows[2]


def test_ids_and_scopes_are_found_in_any_case():
    rows = [activated("Reader", RG, role_id="ABC-1")]
    assert Found(rows, None).again(eligible("another name", RG.upper(), role_id="abc-1"), NOW) is rows[0]


@pytest.mark.parametrize("requests", [None, []])
def test_one_that_is_not_listed_is_not_active(requests):
    before = activated("Reader", RG, native={"roleDefinitionId": "x"})
    again = Found([activated("Reader"), activated("Writer", RG)], requests).again(before, NOW)
    assert (again.active, again.permanent, again.assignment_type) == (False, False, None)
    assert (again.active_since, again.expires_at, again.pending) == (None, None, None)
    # What it stands on stays known.
    assert (again.role, again.role_id, again.scope, again.eligible) == ("Reader", "id-reader", RG, True)
    assert again.native == before.native


def test_one_that_is_not_listed_may_be_on_its_way():
    waiting = request(scope=RG.upper())
    assert Found([], [waiting]).again(eligible("Reader", RG), NOW).pending is waiting
    provisioning = request(scope=RG, phase=models.PROVISIONING, status="PendingProvisioning")
    assert Found([], [provisioning]).again(activated("Reader", RG), NOW).pending is provisioning


def test_what_was_pending_and_is_told_no_more_is_gone():
    before = eligible("Reader", RG, pending=request(scope=RG))
    denied = request(scope=RG, phase=models.DENIED, status="Denied")
    done = request(scope=RG, phase=models.DONE, status="Provisioned")
    for requests in ([], [denied], [done], [request(scope="/elsewhere")]):
        assert Found([], requests).again(before, NOW).pending is None


def test_what_somebody_else_asked_for_is_not_its_own():
    row = eligible("Reader", RG)
    assert Found([], [request(scope=RG, principal_id="another")]).again(row, NOW).pending is None
    assert Found([], [request(scope=RG, principal_id="ME")]).again(row, NOW).pending is not None


class Lists:
    """Stands where the connection stands: two groups without names, and ``names`` as the answer that should tell them."""

    def __init__(self, names: Answer | PimError) -> None:
        self._names = names
        self.warnings: list[str] = []
        self.session = SimpleNamespace(object_id="me")

    def now(self):
        return NOW

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def run(self, calls):
        return [self._answer(call.path) for call in calls]

    def _answer(self, path: str) -> Answer | PimError:
        if path.startswith("/groups?"):
            return self._names
        lines = [{"groupId": one, "accessId": "member", "group": None} for one in ("g1", "g2")]
        return Answer(200, {"value": lines if "eligibility" in path else []})


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        (Answer(200, {"value": [None]}), False),
        (Answer(200, {"value": None}), False),
        (PimError("forbidden", "no", status=403), True),
        (PimError("throttled", "slow", status=429), True),
        (PimError("invalid_response", "no rows"), True),
    ],
)
def test_rows_without_names_have_their_ids(names, warned):
    lists = Lists(names)
    found = read_rows(lists, ["groups"])["groups"]
    assert [(row.scope, row.scope_name, row.eligible) for row in found.rows] == [("g1", None, True), ("g2", None, True)]
    assert len(lists.warnings) == warned
    if isinstance(names, PimError):
        assert names.code in lists.warnings[0]
        assert "by its id" in lists.warnings[0]


@given(st.lists(role_rows.rows(), max_size=4), st.lists(role_rows.requests, max_size=3), role_rows.rows())
def test_it_is_always_the_same_role_and_never_active_unlisted(rows, requests, before):
    again = Found(rows, requests).again(before, NOW)
    assert (str(again.role_id).lower(), str(again.scope).lower()) == (
        str(before.role_id).lower(),
        str(before.scope).lower(),
    )
    if again not in rows:
        assert again == replace(
            before,
            active=False,
            permanent=False,
            assignment_type=None,
            active_since=None,
            expires_at=None,
            pending=again.pending,
        )
