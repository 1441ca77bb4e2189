# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Step-up over real HTTPS: silent where it can be, by one prompt where it cannot, never for another account, never in a loop."""

from __future__ import annotations

import copy
import json
import threading

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.access import Access
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.step_up import Person
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.token_claims import wanted_claims
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Transport

from unit.clocks import START
from unit.sign_in.person import asked as parameters
from unit.sign_in.person import post
from unit.sign_in.sts import APP, claims_of
from unit.state.saved import session

SCOPES = {
    "graph": ["https://graph.microsoft.com/User.Read"],
    "arm": ["https://management.azure.com/user_impersonation"],
}
C1, C2, MFA = (str(wanted_claims(*asked)) for asked in ((False, ["c1"]), (False, ["c2"]), (True, [])))
NBF = '{"access_token": {"nbf": {"essential": true, "value": "1900000000"}}}'
INTERACTION = {"error": "interaction_required", "error_description": "AADSTS50076: use a second factor"}
WHY = "Reader requires it"


def tokens(ends: float = 3600) -> dict[str, Token]:
    return {api: Token(f"first-{api}", START, START + ends, []) for api in SCOPES}


@pytest.fixture
def world(service, fake, real_clock, ca_path, tmp_path):
    """Opens a session that has proved nothing, as it lies on the disk; ``seen`` is the screen."""
    service.proves = True
    sessions = Sessions(str(tmp_path / "state"), real_clock)
    seen: list[str] = []

    def make(person=None, keep=True, clock=fake.clock, **changes) -> Access:
        values = {"mfa": False, "authentication_contexts": [], "client_id": APP, "scopes": SCOPES, "tokens": tokens()}
        made = copy.deepcopy(session(**{**values, "authority_url": service.url, **changes}))
        if keep and sessions.load("default") is None:
            sessions.save(made)
        transport = Transport(clock=clock, environ={}, http_timeout=5, ca_path=ca_path)
        whom = Person(seen.append, 60.0) if person is None else person
        return Access(made, transport, clock, sessions if keep else None, None, whom)

    make.sessions, make.seen = sessions, seen
    return make


@pytest.fixture
def saved(world):
    return lambda: world.sessions.load("default")


def by_person(form) -> dict | None:
    """A sign-in service that wants a person for claims."""
    return INTERACTION if form["grant_type"] == "refresh_token" and set(claims_of(form)) != {"xms_cc"} else None


def refusal(access, claims) -> PimError:
    with pytest.raises(PimError) as caught:
        access.step_up("graph", claims, WHY)
    return caught.value


def prompts(world) -> int:
    return sum("enter the code" in line for line in world.seen)


# Silently.


def test_a_silent_step_up_is_quiet_and_kept(world, service, saved):
    access = world()
    access.step_up("graph", C1, WHY)
    token = access.token("graph")
    assert token != "first-graph"
    (asked,) = service.asked
    assert claims_of(asked) == {"acrs": {"essential": True, "value": "c1"}, "xms_cc": {"values": ["cp1"]}}
    assert SCOPES["graph"][0] in asked["scope"]
    kept = saved()
    assert (kept.tokens["graph"].access_token, kept.refresh_token) == (token, "refresh-1")
    assert (kept.authentication_contexts, kept.mfa, json.loads(kept.claims)) == (["c1"], False, json.loads(C1))
    assert world.seen == []


def test_the_token_of_the_other_api_is_fetched_with_the_same_claims(world, service):
    access = world()
    access.step_up("graph", C1, WHY)
    assert access.token("arm") != "first-arm"
    assert [claims_of(asked)["acrs"]["value"] for asked in service.asked] == ["c1", "c1"]
    assert access.token("graph") == access.token("graph")
    assert len(service.asked) == 2


def test_claims_add_up(world, service, saved):
    for claims in (C1, MFA, C2, NBF):
        world().step_up("graph", claims, WHY)
    last = claims_of(service.asked[-1])
    assert last["acrs"] == {"essential": True, "values": ["c1", "c2"]}
    assert last["amr"] == {"values": ["mfa"]}
    assert last["nbf"]["value"] == "1900000000"
    assert (saved().authentication_contexts, saved().mfa) == (["c1", "c2"], True)


def test_a_token_that_tells_nothing_is_taken_at_the_word_of_the_service(world, service, saved):
    service.tokens["refresh_token"] = dict.fromkeys(("amr", "acrs"))
    world(mfa=None).step_up("graph", MFA, WHY)
    assert saved().mfa is None


def test_credentials_of_a_task_step_up_without_a_trace(world, service, tmp_path):
    access = world(keep=False, auth_method="password")
    access.step_up("graph", C1, WHY)
    assert access.token("graph") != "first-graph"
    assert not (tmp_path / "state").exists()


def test_many_calls_of_a_task_share_one_step_up(world, service):
    access, found = world(), []
    together = threading.Barrier(8)

    def refused() -> None:
        together.wait(5)
        found.append(access.answered("arm", "first-arm", C1, ask=False))

    threads = [threading.Thread(target=refused) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found)), len(service.asked)) == (8, 1, 1)


def test_many_processes_share_one_step_up(world, service):
    accesses = [world() for _number in range(20)]
    threads = [threading.Thread(target=access.step_up, args=("graph", C1, WHY)) for access in accesses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({access.token("graph") for access in accesses}) == 1
    assert len(service.asked) == 1


def test_two_apis_that_ask_for_the_same_keep_each_others_tokens(world, service):
    access = world()
    first = access.answered("graph", "first-graph", NBF, ask=False)
    access.answered("arm", "first-arm", NBF, ask=False)
    assert access.token("graph") == first
    assert len(service.asked) == 2


# By a person.


def test_a_person_is_asked_where_the_service_wants_one(world, service, saved):
    service.refuses = by_person
    access = world(auth_method="device_code")
    free = []

    def show(line: str) -> None:
        with world.sessions.locked("default"):
            free.append(line)

    access._step_up._person = Person(show, 60.0)
    access.step_up("graph", C1, WHY)
    assert free[0] == "Reader requires it: sign in again"
    assert "operator@contoso.example" in free[1]
    assert [asked.get("grant_type", "code").rpartition(":")[2] for asked in service.asked] == [
        "refresh_token",
        "code",
        "device_code",
    ]
    assert all(claims_of(asked)["acrs"]["value"] == "c1" for asked in service.asked)
    kept = saved()
    assert (kept.authentication_contexts, kept.refresh_token) == (["c1"], "refresh-3")
    assert kept.tokens["graph"].access_token == access.token("graph")
    assert set(kept.tokens) == {"graph"}
    assert kept.scopes == SCOPES


def test_a_person_proves_at_once_what_may_be_wanted_next(world, service, saved):
    service.refuses = by_person
    access = world(auth_method="device_code")
    access.step_up("graph", C1, WHY, MFA)
    assert [set(claims_of(asked)) - {"xms_cc"} for asked in service.asked] == [
        {"acrs"},
        {"acrs", "amr"},
        {"acrs", "amr"},
    ]
    assert (saved().mfa, saved().authentication_contexts) == (True, ["c1"])


def test_a_session_by_browser_steps_up_by_browser(world, service, saved, real_clock):
    service.refuses = by_person
    addresses = []

    def browse(address: str) -> None:
        addresses.append(address)
        assert post(address, service.authorize(address)) == 200

    access = world(Person(world.seen.append, 60.0, browse), clock=real_clock, auth_method="interactive")
    access.step_up("graph", C1, WHY)
    (address,) = addresses
    assert json.loads(parameters(address)["claims"])["access_token"]["acrs"]["value"] == "c1"
    assert (saved().authentication_contexts, saved().auth_method) == (["c1"], "interactive")
    assert prompts(world) == 0


def test_one_prompt_for_a_task(world, service):
    service.refuses = by_person
    access = world(auth_method="device_code")
    access.step_up("graph", C1, WHY)
    told = refusal(access, C2)
    assert (told.code, told.authentication_context) == ("mfa_required", "c2")
    assert "already" in told.message
    assert prompts(world) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": "authorization_declined"}, "login_declined"),
        ({"error": "expired_token"}, "login_expired"),
        ({"error": "authorization_pending"}, "login_timeout"),
    ],
)
def test_a_step_up_that_nobody_gives_is_asked_for_once(world, service, saved, answer, code):
    service.refuses = lambda form: by_person(form) or (answer if "device_code" in form else None)
    access = world(auth_method="device_code")
    before = saved()
    for _again in range(2):
        told = refusal(access, C1)
        assert (told.code, told.authentication_context) == (code, "c1")
        assert WHY in told.message
        assert "login_timeout" not in told.sentence
    assert prompts(world) == 1
    assert saved() == before


@pytest.mark.parametrize(
    ("claims", "option"), [(C1, "authentication_contexts [c1]"), (MFA, "require_mfa true"), (NBF, "force true")]
)
def test_a_person_who_did_not_come_is_told_how_to_sign_in_beforehand(world, service, claims, option):
    """Not every task that asks a person has a time-out of its own."""
    pending = {"error": "authorization_pending"}
    service.refuses = lambda form: by_person(form) or (pending if "device_code" in form else None)
    told = refusal(world(auth_method="device_code"), claims)
    assert told.code == "login_timeout"
    assert option in told.sentence
    assert ("require_mfa" in told.sentence) == (claims == MFA)
    assert "wait_timeout" not in told.sentence


@pytest.mark.parametrize("claims", [{"oid": "another"}, {"tid": "another"}, {"upn": "other@contoso.example"}])
def test_somebody_else_cannot_step_up(world, service, saved, claims):
    service.refuses = by_person
    service.tokens["urn:ietf:params:oauth:grant-type:device_code"] = claims
    before = world(auth_method="device_code").session
    assert refusal(world(auth_method="device_code"), C1).code == "login_failed"
    assert saved() == before


def test_a_person_who_proves_less_has_not_stepped_up(world, service, saved):
    service.refuses = by_person
    service.tokens["urn:ietf:params:oauth:grant-type:device_code"] = {"acrs": None}
    before = world(auth_method="device_code").session
    assert refusal(world(auth_method="device_code"), C1).code == "mfa_required"
    assert saved() == before


def test_a_person_without_a_second_factor_is_not_told_of_an_option_the_task_lacks(world, service):
    service.refuses = by_person
    service.tokens["urn:ietf:params:oauth:grant-type:device_code"] = {"amr": ["pwd"]}
    told = refusal(world(auth_method="device_code"), MFA)
    assert told.code == "mfa_required"
    assert "without the multi-factor authentication that was required" in told.message
    assert "require_mfa" not in told.sentence


# By nobody.


@pytest.mark.parametrize(
    ("changes", "person", "told"),
    [
        ({"auth_method": "password"}, None, "password"),
        ({"auth_method": "access_token", "refresh_token": None}, None, "access_token"),
        ({"auth_method": "device_code"}, "check mode asks nobody", "check mode"),
        ({"auth_method": "device_code"}, "nobody would see it", "nobody would see it"),
    ],
)
@pytest.mark.parametrize(
    ("claims", "option"), [(C1, "authentication_contexts [c1]"), (MFA, "require_mfa true"), (NBF, "force true")]
)
def test_where_nobody_can_the_failure_says_what_satisfies_it(world, service, changes, person, told, claims, option):
    service.refuses = by_person
    access = world(person=person, **changes)
    for _again in range(2):
        error = refusal(access, claims)
        assert error.code == ("session_expired" if claims == NBF else "mfa_required")
        assert error.authentication_context == ("c1" if claims == C1 else None)
        assert told in error.message
        assert option in error.sentence
    assert len(service.asked) == (1 if access.session.can_refresh else 0)
    assert world.seen == []


def test_a_service_that_passes_over_the_claims_has_not_satisfied_them(world, service, saved):
    service.proves = False
    service.tokens["refresh_token"] = {"amr": ["pwd"]}
    for claims in (C1, MFA):
        assert refusal(world(auth_method="password"), claims).code == "mfa_required"
    kept = saved()
    # The refresh token was exchanged all the same.
    assert (kept.refresh_token, kept.claims, kept.tokens["graph"].access_token) == ("refresh-2", None, "first-graph")


def test_a_revoked_sign_in_has_expired(world, service, saved):
    service.failures["refresh_token"] = {"error": "invalid_grant", "error_description": "AADSTS50173: revoked"}
    assert refusal(world(auth_method="device_code"), NBF).code == "session_expired"
    assert saved().refresh_token is None
    assert world.seen == []


def test_a_challenge_that_comes_back_is_told(world, service):
    access = world(auth_method="device_code")
    other = access.answered("graph", "first-graph", C1, ask=True)
    with pytest.raises(PimError) as caught:
        access.answered("graph", other, C1, ask=True)
    assert (caught.value.code, caught.value.authentication_context) == ("mfa_required", "c1")
    assert "satisfied" in caught.value.message
    assert "still refuses" in caught.value.message
    assert len(service.asked) == 1
    # What was proved days ago may be asked for anew.
    assert world(auth_method="device_code").answered("graph", other, C1, ask=True) != other


# Refreshes afterwards.


def test_claims_that_would_need_a_person_are_given_up_by_a_refresh(world, service, saved):
    service.refuses = by_person
    access = world(auth_method="device_code", claims=C1, authentication_contexts=["c1"], mfa=True, tokens=tokens(0))
    assert access.token("graph")
    kept = saved()
    assert (kept.claims, kept.authentication_contexts, kept.mfa) == (None, [], False)
    assert ["acrs" in claims_of(asked) for asked in service.asked] == [True, False]
    assert access.token("arm")
    assert len(service.asked) == 3
    assert world.seen == []


@pytest.mark.parametrize("claims", [{"oid": "another"}, {"tid": "another"}])
@pytest.mark.parametrize("use", [lambda one: one.token("graph"), lambda one: one.step_up("graph", C1, WHY)])
def test_a_token_of_another_account_is_never_used(world, service, saved, claims, use):
    service.tokens["refresh_token"] = claims
    access = world(tokens=tokens(0))
    before = saved()
    with pytest.raises(PimError) as caught:
        use(access)
    assert caught.value.code == "not_connected"
    assert saved() == before
