# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task does where the service refuses a write for how the account signed in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from unittest import mock
from urllib.parse import quote

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import activation
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.scopes import scopes_by_api
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.registry import PROVIDERS
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.client import SignInClient
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions

from unit.operations.azure import Azure, AzureRole
from unit.operations.directory import Directory, Role
from unit.operations.world import world_of
from unit.sign_in.sts import APP, jwt

ACRS, MFA = "RoleAssignmentRequestAcrsValidationFailed", "RoleAssignmentRequestPolicyValidationFailed"


def context(name: str) -> str:
    return f"&claims={quote(json.dumps({'access_token': {'acrs': {'essential': True, 'value': name}}}))}"


def refusing(here, refuse: Callable[[int], tuple[str, str] | None]) -> None:
    """The service refuses each activation by number with (code, message), or takes it for None."""
    request, count = here.directory._request, []

    def requested(body):
        if not body["action"].endswith("Activate"):
            return request(body)
        count.append(body)
        refusal = refuse(len(count))
        if refusal is None:
            return request(body)
        here.directory.writes.append((body["action"], "", ""))
        return 400, {"error": dict(zip(("code", "message"), refusal))}

    here.directory._request = requested


@pytest.fixture
def world(tmp_path):
    """A session that can refresh, by password; ``refresh`` is what the sign-in service does."""

    def make(*roles, kind=Directory, **refresh):
        here = world_of(str(tmp_path / "state"), *roles, kind=kind)
        sessions = Sessions(here.path, here.fake.clock)
        kept = sessions.load("default")
        scopes = scopes_by_api("public", list(PROVIDERS))
        proved = {"mfa": None, "authentication_contexts": []}
        sessions.save(replace(kept, refresh_token="a-refresh-token", client_id=APP, scopes=scopes, **proved))
        given = iter(range(100))
        brought = {"side_effect": lambda *_: {"access_token": f"opaque-{next(given)}", "expires_in": 3600}, **refresh}
        here.refresh = mock.Mock(**brought)
        return here

    return make


def run(here, **given):
    with mock.patch.object(SignInClient, "refresh", here.refresh):
        return here.run(**given)


def asked(here) -> list[dict]:
    return [json.loads(call.args[2])["access_token"] for call in here.refresh.call_args_list]


@pytest.mark.parametrize(
    ("refusal", "claims"),
    [
        ((ACRS, context("c1")), {"acrs": {"essential": True, "value": "c1"}}),
        (("SomeOtherAcrsValidationFailed", context("c1")), {"acrs": {"essential": True, "value": "c1"}}),
        ((MFA, 'The following policy rules failed: ["MfaRule"]'), {"amr": {"values": ["mfa"]}}),
        ((MFA, "The following policy rules failed: MfaRule - required"), {"amr": {"values": ["mfa"]}}),
    ],
)
@pytest.mark.parametrize("kind", [Directory, Azure])
def test_a_refused_write_is_repeated_after_a_step_up(world, kind, refusal, claims):
    here = world(AzureRole("Reader") if kind is Azure else Role("Reader"), kind=kind)
    refusing(here, lambda number: refusal if number == 1 else None)
    result = run(here, role="Reader")
    assert "failed" not in result
    assert (result["changed"], len(result["activated"])) == (True, 1)
    assert asked(here) == [claims]
    outcomes = [line["outcome"] for line in here.journal() if line["event"] != "submitting"]
    assert outcomes == ["refused", "accepted"]


def test_only_what_was_refused_is_repeated_with_all_that_was_asked(world):
    here = world(*map(Role, "ABCD"))
    refusals = {2: (ACRS, context("c1")), 3: (ACRS, context("c2")), 4: (MFA, 'rules failed: ["MfaRule"]')}
    refusing(here, refusals.get)
    result = run(here, roles=[{"role": name} for name in "ABCD"])
    assert len(result["activated"]) == 4
    assert asked(here) == [
        {"acrs": {"essential": True, "values": ["c1", "c2"]}, "amr": {"values": ["mfa"]}},
    ]
    assert len(here.directory.writes) == 7


def test_a_policy_that_breaks_other_rules_too_is_no_matter_of_factors(world):
    here = world(Role("Reader"))
    refusing(here, lambda _number: (MFA, 'rules failed: ["MfaRule","JustificationRule"]'))
    result = run(here, role="Reader")
    assert result["failure"]["code"] == "policy_violation"
    assert asked(here) == []


@pytest.mark.parametrize("kind", [Directory, Azure])
def test_a_refusal_that_comes_back_ends_it(world, kind):
    here = world(AzureRole("Reader") if kind is Azure else Role("Reader"), kind=kind)
    refusing(here, lambda _number: (ACRS, context("c1")))
    result = run(here, role="Reader")
    failure = result["failure"]
    assert (failure["code"], failure["service_code"], failure["authentication_context"]) == ("mfa_required", ACRS, "c1")
    assert (result["changed"], result["activated"], failure["role"]) == (False, [], "Reader")
    assert "the sign-in satisfied that, and the service still refuses" in result["msg"]
    assert (len(here.directory.writes), len(asked(here))) == (2, 1)


def test_a_service_that_always_asks_for_something_else_is_not_followed_for_ever(world):
    here = world(Role("Reader"))
    refusing(here, lambda number: (ACRS, context(f"c{number}")))
    result = run(here, role="Reader")
    assert result["failure"]["code"] == "mfa_required"
    assert len(here.directory.writes) <= 3


def test_a_refusal_nobody_can_satisfy_hides_nothing_of_the_others(world):
    here = world(*map(Role, "AB"), side_effect=PimError("mfa_required", "a person is needed"))
    refusing(here, lambda number: (ACRS, context("c1")) if number == 2 else None)
    result = run(here, roles=[{"role": "A"}, {"role": "B"}])
    assert [one["role"] for one in result["activated"]] == ["A"]
    assert (result["failure"]["code"], result["failure"]["role"]) == ("mfa_required", "B")
    assert "authentication_contexts [c1]" in result["msg"]
    assert result["failure"]["service_code"] == ACRS


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_fault_of_our_own_hides_nothing_of_what_was_done(world, number):
    """What is not told of stays on, because nobody gives it back."""
    here = world(*map(Role, "ABC"), side_effect=RuntimeError("a secret"))
    refusing(here, lambda count: (ACRS, context("c1")) if count == number else None)
    result = run(here, roles=[{"role": name} for name in "ABC"])
    done = [name for place, name in enumerate("ABC", 1) if place != number]
    assert [one["role"] for one in result["activated"]] == done
    assert (result["changed"], result["failure"]["code"], result["failure"]["role"]) == (
        True,
        "unexpected",
        "ABC"[number - 1],
    )
    assert "RuntimeError" in result["msg"]
    assert "a secret" not in result["msg"]


def test_a_fault_while_waiting_hides_nothing_of_what_was_done(world):
    here = world(Role("A"))
    with mock.patch.object(activation, "wait_for", side_effect=RuntimeError):
        result = run(here, role="A")
    assert [one["role"] for one in result["activated"]] == ["A"]
    assert (result["failure"]["code"], result["failure"]["role"]) == ("unexpected", "A")


def test_the_token_of_the_step_up_goes_with_the_write(world):
    here = world(Role("Reader"), side_effect=lambda *_: {"access_token": jwt(acrs=["c1"]), "expires_in": 3600})
    refusing(here, lambda number: (ACRS, context("c1")) if number == 1 else None)
    sent = []
    send = here.directory.send

    def seen(method, url, *, headers, **options):
        sent.append((method, headers["Authorization"]))
        return send(method, url, headers=headers, **options)

    here.directory.send = seen
    run(here, role="Reader")
    writes = [token for method, token in sent if method == "POST" and token]
    assert writes[-1] == f"Bearer {jwt(acrs=['c1'])}"
    assert "Bearer a-token" in writes
