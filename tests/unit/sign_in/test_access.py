# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens of a session: used while they live, fetched once, never older than what they have to carry."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.access import Access
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Transport

from unit.clocks import START
from unit.sign_in.sts import GRAPH
from unit.state.saved import session

LIVING = {"graph": Token("living", START, START + 3600, [])}
ENDED = {"graph": Token("ended", START - 7200, START - 3600, [])}
OTHER = "https://vault.azure.net"


@pytest.fixture
def access_to(service, fake, real_clock, ca_path, tmp_path):
    """Opens a session as it lies on the disk, or (``keep`` is False) one that serves a task alone."""
    sessions = Sessions(str(tmp_path / "state"), real_clock)

    def make(keep: bool = True, **changes) -> Access:
        made = session(authority_url=service.url, **changes)
        if keep:
            sessions.save(made)
        transport = Transport(clock=fake.clock, environ={}, http_timeout=5, ca_path=ca_path)
        return Access(made, transport, fake.clock, sessions if keep else None)

    make.sessions = sessions
    return make


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
    threads = [threading.Thread(target=lambda one=one: found.append(one.token("graph"))) for one in all_of_them]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert len(service.asked) == 1


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


def test_a_refused_token_is_renewed(access_to, service):
    access = access_to(tokens=LIVING)
    assert access.renewed("graph", "living") not in (None, "living")
    assert len(service.asked) == 1
    assert access_to(tokens=LIVING, refresh_token=None).renewed("graph", "living") is None


def test_credentials_of_a_task_are_not_kept(access_to, tmp_path):
    access_to(keep=False, tokens=ENDED).token("graph")
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
