# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens of a session: used while they live, fetched once, never older than what they have to carry."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.access import Access
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Transport

from unit.clocks import START
from unit.sign_in.sts import APP, GRAPH
from unit.state.saved import session

LIVING = {"graph": Token("living", START, START + 3600, [])}
ENDED = {"graph": Token("ended", START - 7200, START - 3600, [])}
OTHER = "https://vault.azure.net"


@pytest.fixture
def access_to(service, fake, real_clock, ca_path, tmp_path):
    """Opens a session as it lies on the disk, or (``keep`` is False) one that serves a task alone."""
    sessions = Sessions(str(tmp_path / "state"), real_clock)

    def make(keep: bool = True, needed=None, **changes) -> Access:
        # Of its own: what one test fetches must not be another's.
        made = copy.deepcopy(session(authority_url=service.url, **changes))
        if keep:
            sessions.save(made)
        transport = Transport(clock=fake.clock, environ={}, http_timeout=5, ca_path=ca_path)
        return Access(made, transport, fake.clock, sessions if keep else None, needed)

    make.sessions = sessions
    return make


def side_by_side(*works: Callable[[], object]) -> None:
    """Runs each in a thread of its own; a single one in six."""
    threads = [threading.Thread(target=work) for work in (works if len(works) > 1 else works * 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def refusal_of(access: Access, api: str) -> PimError:
    with pytest.raises(PimError) as caught:
        access.token(api)
    return caught.value


def test_a_living_token_costs_no_call(access_to, server):
    assert access_to(tokens=LIVING).token("graph") == "living"
    assert server.requests == []


@pytest.mark.parametrize("ends", [-1, 0, 30])
def test_a_token_that_ends_is_fetched_anew_and_kept(access_to, service, ends):
    access = access_to(tokens={"graph": Token("old", START - 3600, START + ends, [])})
    fresh = access.token("graph")
    assert fresh != "old"
    assert access.token("graph") == fresh
    assert len(service.asked) == 1
    kept = access_to.sessions.load("default")
    assert kept is not None
    assert (kept.tokens["graph"].access_token, kept.refresh_token) == (fresh, "refresh-1")


def test_the_claims_of_the_sign_in_go_with_each_refresh(access_to, service):
    access_to(tokens=ENDED, claims='{"access_token": {"acrs": {"essential": true, "value": "c1"}}}').token("graph")
    assert '"acrs"' in service.asked[0]["claims"]


def test_a_session_that_cannot_refresh_has_expired(access_to, service):
    for tokens in (ENDED, {}):
        with pytest.raises(PimError) as caught:
            access_to(tokens=tokens, refresh_token=None).token("graph")
        assert caught.value.code == "session_expired"
    assert service.asked == []


def test_an_api_nobody_signed_in_for_is_not_connected(access_to):
    with pytest.raises(PimError) as caught:
        access_to().token("arm")
    assert caught.value.code == "not_connected"


def test_tasks_at_the_same_time_redeem_one_refresh_token_once(access_to, service):
    all_of_them = [access_to(tokens=ENDED) for _number in range(6)]
    found: list[str] = []
    side_by_side(*(lambda one=one: found.append(one.token("graph")) for one in all_of_them))
    assert len(found) == 6
    assert len(set(found)) == 1
    assert len(service.asked) == 1


@pytest.mark.parametrize("change", [{"refresh_token": ["x"]}, {"id_token": 7}, {"access_token": {}}])
def test_a_refresh_that_brings_something_else_than_tokens_leaves_the_session(access_to, service, change):
    service.alters = lambda body: {**body, **change}
    access = access_to(tokens=ENDED)
    before = access_to.sessions.load("default")
    assert refusal_of(access, "graph").code == "invalid_response"
    assert access_to.sessions.load("default") == before


def test_a_session_that_was_removed_or_changed_hands_is_not_refreshed(access_to, service):
    gone = access_to(tokens=ENDED)
    access_to.sessions.remove("default")
    changed = access_to(tokens=ENDED)
    access_to.sessions.save(session(object_id="somebody else", tokens=ENDED))
    for access in (gone, changed):
        with pytest.raises(PimError) as caught:
            access.token("graph")
        assert caught.value.code == "not_connected"
    assert service.asked == []


@pytest.mark.parametrize("option", ["client_id", "cloud", "authority_url", "graph_url", "arm_url"])
def test_a_session_that_was_replaced_meanwhile_gives_no_token(access_to, service, option):
    """Its tokens are for other endpoints, or another client's."""
    access = access_to(tokens=ENDED)
    other = {"cloud": "china"}.get(option, f"{service.url}/elsewhere")
    access_to.sessions.save(session(**{"authority_url": service.url, "tokens": LIVING, option: other}))
    for ask in (lambda: access.token("graph"), lambda: access.renewed("graph", "ended"), access.switched_off):
        with pytest.raises(PimError) as caught:
            ask()
        assert (caught.value.code, option in caught.value.message) == ("not_connected", True)
    assert service.asked == []


def test_a_refused_token_is_renewed(access_to, service):
    access = access_to(tokens=LIVING)
    assert access.renewed("graph", "living") not in (None, "living")
    assert len(service.asked) == 1
    assert access_to(tokens=LIVING, refresh_token=None).renewed("graph", "living") is None


def test_a_token_refused_to_many_at_once_is_renewed_once(access_to, service):
    access = access_to(tokens=LIVING)
    found: list[str | None] = []
    together = threading.Barrier(6)

    def refused() -> None:
        together.wait(5)
        found.append(access.renewed("graph", "living"))

    side_by_side(refused)
    assert len(found) == 6
    assert len(set(found)) == 1
    assert len(service.asked) == 1


def test_credentials_of_a_task_are_not_kept(access_to, tmp_path):
    access_to(keep=False, tokens=ENDED).token("graph")
    assert not (tmp_path / "state").exists()


# A session made for less than a task needs.

READ = "https://graph.microsoft.com/User.Read"
WRITE = "https://graph.microsoft.com/RoleAssignmentSchedule.ReadWrite.Directory"
AZURE = "https://management.azure.com/user_impersonation"
NO_CONSENT = {
    "error": "invalid_grant",
    "error_codes": [65001],
    "error_description": "AADSTS65001: The user or administrator has not consented to use the application. Trace ID: x",
}


def test_what_the_session_has_is_not_asked_for(access_to, service):
    access = access_to(tokens=LIVING, needed={"graph": [READ]})
    assert access.token("graph") == "living"
    assert service.asked == []


def test_a_permission_the_session_lacks_is_asked_for_once_and_kept(access_to, service):
    access = access_to(tokens=LIVING, needed={"graph": [WRITE, READ]})
    wider = access.token("graph")
    assert wider != "living"
    assert access.token("graph") == wider
    (asked,) = service.asked
    assert {READ, WRITE} <= set(asked["scope"].split())
    kept = access_to.sessions.load("default")
    assert (kept.tokens["graph"].access_token, kept.refresh_token) == (wider, "refresh-1")
    assert kept.scopes == {"graph": [READ, WRITE]}


def test_an_api_the_session_was_not_made_for_is_added(access_to, service):
    access = access_to(tokens=LIVING, client_id=APP, needed={"graph": [READ], "arm": [AZURE]})
    added = access.token("arm")
    assert (access.token("arm"), access.token("graph")) == (added, "living")
    (asked,) = service.asked
    assert AZURE in asked["scope"]
    assert READ not in asked["scope"]
    kept = access_to.sessions.load("default")
    assert kept.scopes == {"graph": [READ], "arm": [AZURE]}
    assert set(kept.tokens) == {"graph", "arm"}


def test_the_claims_of_the_sign_in_go_with_what_is_added(access_to, service):
    claims = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
    access_to(tokens=LIVING, client_id=APP, claims=claims, needed={"arm": [AZURE]}).token("arm")
    assert '"acrs"' in service.asked[0]["claims"]


def test_calls_side_by_side_ask_once(access_to, service):
    access = access_to(tokens=LIVING, client_id=APP, needed={"arm": [AZURE]})
    found: list[str] = []
    side_by_side(lambda: found.append(access.token("arm")))
    assert len(found) == 6
    assert len(set(found)) == 1
    assert len(service.asked) == 1


def test_what_another_task_asked_for_meanwhile_is_not_asked_for_again(access_to, service):
    first, second = (access_to(tokens=LIVING, client_id=APP, needed={"arm": [AZURE]}) for _place in range(2))
    assert first.token("arm") == second.token("arm")
    assert len(service.asked) == 1


def test_without_consent_the_session_goes_on_with_what_it_has(access_to, service):
    access = access_to(tokens=LIVING, needed={"graph": [READ, WRITE]})
    service.failures["refresh_token"] = NO_CONSENT
    assert [access.token("graph") for _call in range(3)] == ["living"] * 3
    assert len(service.asked) == 1
    kept = access_to.sessions.load("default")
    assert kept.scopes == {"graph": [READ]}
    assert (kept.tokens["graph"].access_token, kept.refresh_token) == ("living", "a-refresh-token")


def test_without_consent_an_ended_token_is_fetched_anew_as_it_was(access_to, service):
    access = access_to(tokens=ENDED, needed={"graph": [WRITE]})
    service.failures["refresh_token"] = NO_CONSENT
    # The permission is asked for, then what the session had: the service of this test refuses both.
    assert refusal_of(access, "graph").code == "consent_required"
    assert [WRITE in asked["scope"] for asked in service.asked] == [True, False]
    service.failures.clear()
    assert access.token("graph") not in ("ended", "living")
    assert WRITE not in service.asked[-1]["scope"]


def test_a_refusal_is_asked_for_once_and_told_to_each_call(access_to, service):
    access = access_to(tokens=LIVING, client_id=APP, needed={"graph": [READ], "arm": [AZURE]})
    service.failures["refresh_token"] = NO_CONSENT
    told = [refusal_of(access, "arm") for _call in range(3)]
    assert {one.code for one in told} == {"consent_required"}
    # Each is told of its own role later on.
    assert len({id(one) for one in told}) == 3
    assert APP in told[-1].message
    assert "user_impersonation" in told[-1].message
    assert len(service.asked) == 1
    assert access.token("graph") == "living"
    assert access_to.sessions.load("default").scopes == {"graph": [READ]}


@pytest.mark.parametrize(
    ("client_id", "api", "name"),
    [
        ("14d82eec-204b-4c2f-b7e8-296a70dab67e", "arm", "Microsoft Graph Command Line Tools"),
        ("14D82EEC-204B-4C2F-B7E8-296A70DAB67E", "arm", "Microsoft Graph Command Line Tools"),
        ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "graph", "Azure CLI"),
        ("1950a258-227b-4e31-a9cf-717495945fc2", "graph", "Azure PowerShell"),
    ],
)
def test_clients_of_microsofts_own_are_refused_without_a_call(access_to, server, client_id, api, name):
    access = access_to(tokens={}, scopes={}, client_id=client_id, needed={"graph": [WRITE], "arm": [AZURE]})
    told = [refusal_of(access, api) for _call in range(2)]
    assert {one.code for one in told} == {"consent_required"}
    assert name in told[0].message
    assert "client_id" in told[0].sentence
    assert server.requests == []
    other = {"graph": "arm", "arm": "graph"}[api]
    assert access.token(other)


def test_a_first_party_client_goes_on_with_a_token_it_has(access_to, server):
    """The same session serves the other API still, also where a task needs both."""
    access = access_to(tokens=LIVING, needed={"graph": [READ], "arm": [AZURE]})
    assert refusal_of(access, "arm").code == "consent_required"
    assert access.token("graph") == "living"
    assert server.requests == []
    assert access_to.sessions.load("default").refresh_token == "a-refresh-token"


def test_a_session_that_cannot_refresh_is_not_asked_for_more(access_to, service):
    access = access_to(tokens=LIVING, refresh_token=None, needed={"graph": [WRITE], "arm": [AZURE]})
    assert access.token("graph") == "living"
    assert refusal_of(access, "arm").code == "not_connected"
    assert service.asked == []


def test_a_sign_in_that_is_over_is_told_and_kept_in_mind(access_to, service):
    access = access_to(tokens=LIVING, client_id=APP, needed={"arm": [AZURE]})
    service.failures["refresh_token"] = {"error": "invalid_grant", "error_description": "AADSTS700082: not used"}
    assert [refusal_of(access, "arm").code for _call in range(2)] == ["session_expired"] * 2
    assert len(service.asked) == 1
    assert access.token("graph") == "living"
    kept = access_to.sessions.load("default")
    assert (kept.refresh_token, kept.ended) == (None, True)


@pytest.mark.parametrize("number", [50126, 50064])
def test_a_password_that_is_no_longer_right_is_no_matter_of_the_task(access_to, service, number):
    """A refresh sends none: the one that somebody signed in with was changed."""
    access = access_to(tokens=ENDED)
    service.failures["refresh_token"] = {
        "error": "invalid_grant",
        "error_codes": [number],
        "error_description": f"AADSTS{number}: Error validating credentials due to invalid username or password.",
    }
    told = refusal_of(access, "graph")
    assert (told.code, told.service_code) == ("session_expired", f"AADSTS{number}")
    assert "pim_connect" in told.sentence
    assert "check username" not in told.sentence
    # One try, and none by the next task: wrong ones are counted.
    assert refusal_of(access, "graph").code == "session_expired"
    assert len(service.asked) == 1
    assert access_to.sessions.load("default").ended


def test_a_token_that_was_refused_goes_with_the_sign_in_that_is_over(access_to, service):
    access = access_to(tokens={**LIVING, "arm": Token("of-azure", START, START + 3600, [])}, client_id=APP)
    service.failures["refresh_token"] = {"error": "invalid_grant", "error_description": "AADSTS50173: revoked"}
    with pytest.raises(PimError) as caught:
        access.answered("graph", "living", '{"access_token": {"nbf": {"essential": true, "value": "1"}}}', ask=True)
    assert caught.value.code == "session_expired"
    # What nobody has refused can still give a role back.
    assert list(access_to.sessions.load("default").tokens) == ["arm"]


def test_credentials_of_a_task_are_widened_without_a_trace(access_to, service, tmp_path):
    access = access_to(keep=False, tokens=LIVING, client_id=APP, needed={"arm": [AZURE]})
    assert access.token("arm") == access.token("arm")
    assert len(service.asked) == 1
    assert not (tmp_path / "state").exists()


# Tokens for the work itself.


def test_a_token_for_the_work_is_fetched_once(access_to, service):
    access = access_to(tokens=LIVING)
    first = access.resource_token(OTHER)
    assert access.resource_token(OTHER + "/") == first
    assert len(service.asked) == 1
    assert f"{OTHER}/.default" in service.asked[0]["scope"]


def test_a_token_for_the_work_is_never_older_than_an_activation(access_to, service, fake):
    access = access_to(tokens=LIVING)
    before = access.resource_token(GRAPH)
    fake.advance(10)
    access.switched_on(fake.now)
    after = access.resource_token(GRAPH)
    assert after.access_token != before.access_token
    assert after.obtained_at >= fake.now
    fake.advance(10)
    access.switched_off()
    assert access.resource_token(GRAPH).access_token != after.access_token
    assert len(service.asked) == 3


def test_an_activation_in_the_future_is_of_now(access_to, service, fake):
    """The service tells its time in whole seconds, and this machine's clock may be set back."""
    access = access_to(tokens=LIVING)
    access.resource_token(GRAPH)
    for ahead in (0.5, 3600):
        access.switched_on(fake.now + ahead)
        asked = len(service.asked)
        assert access.resource_token(GRAPH).obtained_at == fake.now
        assert len(service.asked) == asked + 1
        fake.advance(1)


def test_a_stale_token_is_refused_where_there_is_no_other(access_to, fake):
    access = access_to(tokens=LIVING, refresh_token=None)
    assert access.resource_token(GRAPH).access_token == "living"
    fake.advance(10)
    access.switched_on(fake.now)
    # For PIM itself the old token goes on.
    assert access.token("graph") == "living"
    for resource in (GRAPH, OTHER):
        with pytest.raises(PimError) as caught:
            access.resource_token(resource)
        assert caught.value.code == "session_expired"
