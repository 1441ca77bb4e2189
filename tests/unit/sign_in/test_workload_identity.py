# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in with a federated token: the file is read each time a token is fetched, and is all the session keeps."""

from __future__ import annotations

import os

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions

from unit.sign_in.person import Person
from unit.sign_in.sts import APP, jwt
from unit.state.saved import TENANT

FIRST, SECOND = jwt(iss="https://issuer.example", jti="1"), jwt(iss="https://issuer.example", jti="2")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{FIRST}\n", encoding="utf-8")
    return path


@pytest.fixture
def signed_in(connected, file):
    def sign_in(**given):
        return connected({}, **{"tenant": TENANT, "client_id": APP, "federated_token_file": str(file), **given})

    return sign_in


@pytest.fixture
def person(fake, options) -> Person:
    return Person(fake.clock, options)


def test_the_token_is_the_assertion(signed_in, service):
    session = signed_in().session
    assert (session.auth_method, session.principal_type) == ("workload_identity", "service_principal")
    (form,) = service.asked
    assert form["client_assertion"] == FIRST
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def test_a_path_is_kept_whole(signed_in, file, monkeypatch):
    monkeypatch.chdir(file.parent)
    session = signed_in(federated_token_file="token").session
    assert session.renews_with == {"federated_token_file": str(file), "client_id": APP}


def test_the_session_gets_new_tokens_by_what_the_file_holds_then(signed_in, service, file, fake):
    access = signed_in().access
    first = access.token("graph")
    file.write_text(SECOND, encoding="utf-8")
    fake.advance(3600)
    assert access.token("graph") != first
    assert [form["client_assertion"] for form in service.asked] == [FIRST, SECOND]


@pytest.mark.parametrize("content", [None, "", "\n", "two tokens", "é", "x" * 70000])
def test_what_holds_no_token_is_told_before_any_call(signed_in, server, file, content):
    file.unlink()
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(PimError) as caught:
        signed_in()
    assert caught.value.code == "invalid_option"
    assert str(file) in caught.value.message
    assert server.requests == []


@pytest.mark.parametrize("content", [None, ""])
def test_a_file_that_is_gone_ends_the_session(signed_in, service, file, fake, content):
    access = signed_in().access
    file.unlink()
    if content is not None:
        file.write_text(content, encoding="utf-8")
    fake.advance(3600)
    with pytest.raises(PimError) as caught:
        access.token("graph")
    assert caught.value.code == "session_expired"
    assert str(file) in caught.value.message
    assert len(service.asked) == 1


def test_a_pipe_is_not_waited_for(signed_in, file):
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(PimError) as caught:
        signed_in()
    assert caught.value.code == "invalid_option"


def test_another_account_is_not_taken_for_the_sessions(signed_in, service, fake):
    access = signed_in().access
    service.tokens["client_credentials"]["oid"] = "somebody else"
    fake.advance(3600)
    with pytest.raises(PimError) as caught:
        access.token("graph")
    assert caught.value.code == "not_connected"


def test_a_session_follows_its_file_to_another_place(person, file, tmp_path, real_clock):
    """It is read again for each token: one that is no longer there would end the session within the hour."""
    given = {"tenant": TENANT, "client_id": APP}
    assert person.connect(federated_token_file=str(file), **given)["changed"] is True
    assert person.connect(federated_token_file=str(file), **given)["changed"] is False
    moved = file.rename(tmp_path / "moved")
    assert person.connect(federated_token_file=str(moved), **given)["changed"] is True
    kept = Sessions(str(tmp_path / "state"), real_clock).load("default")
    assert kept.renews_with["federated_token_file"] == str(moved)


def test_a_session_by_secret_becomes_one_that_gets_new_tokens(person, file):
    given = {"tenant": TENANT, "client_id": APP}
    assert person.connect(client_secret="Secret-1", **given)["session"]["can_refresh"] is False
    result = person.connect(federated_token_file=str(file), **given)
    assert (result["changed"], result["session"]["can_refresh"]) == (True, True)
