# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in in a browser: what the address asks for, what the listener takes, and each way it ends."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import time
import warnings

import pytest

from unit.https_server import reply
from unit.sign_in.person import Person, asked, call, port_of, post
from unit.sign_in.sts import APP
from unit.state.saved import TENANT


@pytest.fixture
def person(real_clock, options) -> Person:
    return Person(real_clock, options)


def connect(person, **given):
    return person.connect(auth_method="interactive", tenant=TENANT, client_id=APP, **given)


def signs_in(person, service):
    """The browser brings the code at once."""
    addresses = []

    def open_address(address):
        addresses.append(address)
        assert post(address, service.authorize(address)) == 200

    person.opens = open_address
    return addresses


def closed(port):
    try:
        call(port, "GET")
    except OSError:
        return True
    return False


def test_signed_in(person, service):
    addresses = signs_in(person, service)
    started = time.monotonic()
    result = connect(person, username="operator@contoso.example", require_mfa=False)
    assert not result.get("failed"), result
    assert time.monotonic() - started < 5
    assert (result["changed"], result["session"]["auth_method"]) == (True, "interactive")
    assert result["session"]["can_refresh"]
    (address,) = addresses
    told = asked(address)
    assert (told["response_mode"], told["response_type"], told["code_challenge_method"]) == (
        "form_post",
        "code",
        "S256",
    )
    assert told["login_hint"] == "operator@contoso.example"
    assert told["state"]
    assert told["nonce"]
    assert json.loads(told["claims"])["access_token"]["xms_cc"] == {"values": ["cp1"]}
    assert {"openid", "offline_access"} <= set(told["scope"].split())
    (form,) = service.asked
    assert form["grant_type"] == "authorization_code"
    assert closed(port_of(address))


def test_what_is_on_the_screen(person, service):
    """Enough to sign in from another machine."""
    (address,) = [signs_in(person, service), connect(person, username="operator@contoso.example")][0]
    (line,) = person.seen
    assert address in line
    assert "operator@contoso.example" in line
    port = port_of(address)
    assert f"ssh -L {port}:localhost:{port}" in line
    assert "15 min" in line


def test_the_listener_is_for_this_machine_alone(person, service):
    def open_address(address):
        own = socket.gethostbyname(socket.gethostname())
        with socket.socket() as connection:
            connection.settimeout(1)
            if not own.startswith("127."):
                assert connection.connect_ex((own, port_of(address))) != 0
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split()[1] for line in table]
        # 127.0.0.1, as the kernel writes it
        assert next(row for row in rows if row.endswith(f":{port_of(address):04X}")).startswith("0100007F:")
        post(address, service.authorize(address))

    person.opens = open_address
    assert not connect(person).get("failed")


def test_what_a_sign_in_has_to_satisfy_is_asked_for_and_kept(person, service):
    service.tokens["authorization_code"] = {"acrs": ["c1"], "amr": ["pwd", "mfa"]}
    addresses = signs_in(person, service)
    result = connect(person, require_mfa=True, authentication_contexts=["c1"])
    assert not result.get("failed"), result
    claims = json.loads(asked(addresses[0])["claims"])["access_token"]
    assert claims["acrs"] == {"essential": True, "value": "c1"}
    assert json.loads(service.asked[0]["claims"])["access_token"]["acrs"] == claims["acrs"]


@pytest.mark.parametrize(
    ("answer", "code", "service_code"),
    [
        (
            {"error": "access_denied", "error_description": "AADSTS65004: declined", "error_subcode": "cancel"},
            "login_declined",
            "AADSTS65004",
        ),
        ({"error": "access_denied"}, "login_declined", "access_denied"),
        ({"error": "invalid_request", "error_description": "AADSTS50011: address"}, "login_failed", "AADSTS50011"),
        ({"error": "interaction_required", "error_description": "AADSTS53003: blocked"}, "login_failed", "AADSTS53003"),
        ({"error": "access_denied", "error_description": "AADSTS50105: not assigned"}, "forbidden", "AADSTS50105"),
        ({"error": "server_error", "error_description": "x"}, "service_unavailable", "server_error"),
    ],
)
def test_a_sign_in_that_was_refused(person, answer, code, service_code):
    ports = []

    def open_address(address):
        ports.append(port_of(address))
        assert post(address, {**answer, "state": asked(address)["state"]}) == 200

    person.opens = open_address
    result = connect(person)
    assert (result["failure"]["code"], result["failure"]["service_code"]) == (code, service_code)
    assert closed(ports[0])


def test_what_is_not_from_the_sign_in_service_does_not_end_it(person, service):
    """Other programs of this machine, a page somebody lured the browser to, and connections that say nothing."""
    silent = []

    def open_address(address):
        state = asked(address)["state"]
        port = port_of(address)
        for _number in range(3):
            silent.append(socket.create_connection(("127.0.0.1", port)))
        half = socket.create_connection(("127.0.0.1", port))
        half.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\ncode=x")
        silent.append(half)
        assert post(address, {"code": "stolen", "state": "wrong"}) == 400
        assert post(address, {"code": "stolen"}) == 400
        assert post(address, {"state": state}) == 400
        assert post(address, {"error": "access_denied", "state": "ü"}) == 400
        assert post(address, "%%%&&&") == 400
        assert post(address, "a=1&" * 1000) == 400
        assert post(address, "", Content_Length="x") == 400
        assert call(port, "POST", "/", None, {"Content-Length": "999999999999"}) == 400
        assert call(port, "POST", "/", None, {"Content-Length": "000000001999999999"}) == 400
        assert call(port, "GET", f"/?code=stolen&state={state}") == 404
        assert call(port, "GET", "/favicon.ico") == 404
        assert call(port, "PUT", "/") == 501
        assert post(address, service.authorize(address)) == 200

    person.opens = open_address
    try:
        started = time.monotonic()
        result = connect(person)
    finally:
        for connection in silent:
            connection.close()
    assert not result.get("failed"), result
    assert time.monotonic() - started < 5
    assert service.asked[0]["code"] == "code-0"


def test_the_first_answer_counts(person, service):
    def open_address(address):
        first = service.authorize(address)
        post(address, first)
        # The listener may be closed by then.
        with contextlib.suppress(OSError):
            post(address, {"error": "access_denied", "state": first["state"]})

    person.opens = open_address
    assert not connect(person).get("failed")


def test_nobody_comes(person):
    ports = []
    person.opens = lambda address: ports.append(port_of(address))
    started = time.monotonic()
    result = connect(person, login_timeout=1)
    assert result["failure"]["code"] == "login_timeout"
    assert "login_timeout=1 s" in result["msg"]
    assert 0.9 < time.monotonic() - started < 2.5
    assert closed(ports[0])


def test_interrupted(person):
    ports = []

    def interrupt(address):
        ports.append(port_of(address))
        raise KeyboardInterrupt

    person.opens = interrupt
    with pytest.raises(KeyboardInterrupt):
        connect(person)
    assert closed(ports[0])


def test_where_nobody_sees_the_address(person, service):
    result = person.connect(screen=False, auth_method="interactive")
    assert result["failure"]["code"] == "invalid_option"
    assert "delegate_to localhost" in result["msg"]
    assert service.paths == []


def test_another_account_than_the_one_named(person, service):
    signs_in(person, service)
    result = connect(person, username="somebody@contoso.example")
    assert result["failure"]["code"] == "login_failed"
    assert "username=somebody@contoso.example" in result["msg"]


def test_a_code_that_somebody_else_asked_for(person, service):
    """What redeems the code belongs to the one sign-in: PKCE."""

    def open_address(address):
        stolen = service.authorize(address.replace(asked(address)["code_challenge"], "x" * 43))
        post(address, {**stolen, "state": asked(address)["state"]})

    person.opens = open_address
    result = connect(person)
    assert (result["failure"]["code"], result["failure"]["service_code"]) == ("login_failed", "AADSTS501481")


def test_a_token_of_another_sign_in(person, service):
    def open_address(address):
        post(address, service.authorize(address.replace(asked(address)["nonce"], "x" * 43)))

    person.opens = open_address
    result = connect(person)
    assert result["failure"]["code"] == "invalid_response"
    assert "nonce" not in result["msg"]


@pytest.mark.parametrize("told", ["https://elsewhere.example", "http://localhost:{port}", "https://localhost:1"])
def test_an_address_elsewhere_is_not_opened(person, service, told):
    service.told_url = told.format(port=service.url.rpartition(":")[2])
    result = connect(person)
    assert result["failure"]["code"] == "login_failed"
    assert person.seen == []


def test_a_busy_moment_while_the_code_is_redeemed(person, service, server):
    signs_in(person, service)
    answers, turned_away = server.respond, []

    def respond(request):
        if request.target.endswith("/token") and not turned_away:
            turned_away.append(request)
            return reply(503, Retry_After="0")
        return answers(request)

    server.respond = respond
    assert not connect(person).get("failed")
    assert turned_away


def test_nothing_of_it_is_logged_or_kept(person, service, caplog, capfd, tmp_path):
    caplog.set_level(logging.DEBUG)
    addresses = signs_in(person, service)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = connect(person)
    assert not result.get("failed"), result
    out, err = capfd.readouterr()
    verifier = service.asked[0]["code_verifier"]
    for secret in ("code-0", verifier, asked(addresses[0])["state"]):
        assert secret not in caplog.text
        assert secret not in out + err
        assert secret not in json.dumps(result)
    assert "code-0" not in "".join(person.seen)
    assert verifier not in "".join(person.seen)
