# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in at a page: the authorization code flow, as a browser goes through it and as msal redeems it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msal
import pytest
import requests

from headless_browser import Form
from simulator.service_client import CLI, GRAPH, OPERATOR, OWN_CLIENT, Client, PortKeeper, aadsts, claims_of
from simulator_process import Simulator

BROWSER = Path(__file__).resolve().parents[1] / "headless_browser.py"
BACK = "http://localhost:53682"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
WANT_C1 = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})
WANT_MFA = json.dumps({"access_token": {"amr": {"values": ["mfa"]}}})
PASSWORD = "Sim-operator-password-1"
SCOPE = f"{GRAPH}/.default openid profile offline_access"


def _query(**changes: str) -> dict[str, str]:
    base = {
        "client_id": CLI,
        "response_type": "code",
        "response_mode": "query",
        "redirect_uri": BACK,
        "scope": SCOPE,
        "state": "the state",
        "nonce": "the nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in base.items() if value != "ABSENT"}


def _address(client: Client) -> str:
    return f"{client.simulator.url}/{client.simulator.tenant_id}/oauth2/v2.0/authorize"


def _open(client: Client, **changes: str) -> requests.Response:
    return client.session.get(_address(client), params=_query(**changes), timeout=30, allow_redirects=False)


def _answer(client: Client, page: requests.Response, decision: str = "approve", **person: str) -> requests.Response:
    """Fill the page in and send it."""
    form = Form(page.text)
    assert form.action is not None
    assert form.asks_password
    fields = {**form.fields, "username": OPERATOR, "password": PASSWORD, **person, "decision": decision}
    return client.post_form(form.action.lstrip("/"), fields, allow_redirects=False)


def _returned(answer: requests.Response) -> dict[str, str]:
    """What went to the redirect URI in the query."""
    assert answer.status_code == 302, answer.text
    address = urlsplit(answer.headers["Location"])
    assert f"{address.scheme}://{address.netloc}" == BACK
    return dict(parse_qsl(address.query))


def _code(client: Client, **changes: str) -> str:
    return _returned(_answer(client, _open(client, **changes)))["code"]


def _redeem(client: Client, code: str, **changes: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": CLI,
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        "scope": SCOPE,
        **changes,
    }
    return client.token_answer(**{name: value for name, value in form.items() if value != "ABSENT"})


# the page


def test_a_sign_in(client: Client) -> None:
    page = _open(client, login_hint=OPERATOR)
    assert page.status_code == 200
    assert Form(page.text).fields["username"] == OPERATOR
    returned = _returned(_answer(client, page))
    assert returned["state"] == "the state"
    assert returned["session_state"]
    body = _redeem(client, returned["code"]).json()
    assert claims_of(body["access_token"])["upn"] == OPERATOR
    assert claims_of(body["id_token"])["nonce"] == "the nonce"
    assert "refresh_token" in body


def test_the_answer_as_a_form(client: Client) -> None:
    posted = Form(_answer(client, _open(client, response_mode="form_post")).text)
    assert posted.action == BACK
    assert posted.fields["state"] == "the state"
    assert _redeem(client, posted.fields["code"]).status_code == 200
    declined = Form(_answer(client, _open(client, response_mode="form_post"), "decline").text)
    assert declined.fields["error"] == "access_denied"
    assert declined.fields["error_description"].startswith("AADSTS65004: ")


def test_the_answer_in_the_fragment(client: Client) -> None:
    answer = _answer(client, _open(client, response_mode="fragment"))
    assert "code" in parse_qs(urlsplit(answer.headers["Location"]).fragment)


def test_a_wrong_password_may_be_tried_again(client: Client) -> None:
    page = _open(client)
    wrong = _answer(client, page, password="wrong")
    assert wrong.status_code == 400
    assert "AADSTS50126" in wrong.text
    assert "wrong" not in Form(wrong.text).fields.values()
    assert Form(wrong.text).fields["username"] == OPERATOR
    assert "code" in _returned(_answer(client, wrong))


def test_nothing_is_executed_from_a_field(client: Client) -> None:
    page = _open(client, state='"><script>alert(1)</script>', login_hint="'><script>")
    assert "<script>" not in page.text
    assert Form(page.text).fields["state"] == '"><script>alert(1)</script>'


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, 700016),
        ({"client_id": "ABSENT"}, 900144),
        ({"redirect_uri": "ABSENT"}, 900144),
        ({"redirect_uri": "https://attacker.example"}, 50011),
        ({"redirect_uri": "http://localhost.attacker.example"}, 50011),
        ({"redirect_uri": "http://localhost:1@attacker.example"}, 50011),
        ({"redirect_uri": "http://localhost:53682/elsewhere"}, 50011),
        ({"redirect_uri": "https://localhost:53682"}, 50011),
        ({"redirect_uri": "http://127.0.0.1:53682"}, 50011),
        ({"redirect_uri": "http://[::1"}, 50011),
        ({"response_mode": "carrier_pigeon"}, 70007),
    ],
)
def test_what_is_told_the_person_only(client: Client, changes: dict[str, str], number: int) -> None:
    page = _open(client, **changes)
    assert page.status_code == 400
    assert f"AADSTS{number}: " in page.text
    assert Form(page.text).action is None


@pytest.mark.parametrize(
    ("changes", "error", "number"),
    [
        ({"response_type": "token"}, "unsupported_response_type", 70005),
        ({"prompt": "none"}, "login_required", 50058),
        ({"prompt": "shout"}, "invalid_request", 90023),
        ({"scope": "ABSENT"}, "invalid_request", 900144),
        ({"scope": "https://vault.azure.net/.default"}, "invalid_resource", 500011),
        ({"claims": "{"}, "invalid_request", 9002313),
        ({"code_challenge": "short"}, "invalid_request", 9002313),
        ({"code_challenge_method": "S1"}, "invalid_request", 9002313),
    ],
)
def test_what_is_told_the_client(client: Client, changes: dict[str, str], error: str, number: int) -> None:
    returned = _returned(_open(client, **changes))
    assert returned["error"] == error
    assert returned["error_description"].startswith(f"AADSTS{number}: ")
    assert returned["state"] == "the state"
    assert "code" not in returned


@pytest.mark.parametrize(
    ("changes", "error", "number"),
    [
        ({"client_id": "7f3b2d9c-4eb6-4a5f-8c88-bd206e913c74"}, "consent_required", 65001),
        ({"scope": "https://management.azure.com/.default"}, "access_denied", 65002),
        ({"client_id": "804c3ead-5fc7-4b60-9d99-ce317fa24d85"}, "access_denied", 50105),
    ],
)
def test_no_consent(client: Client, changes: dict[str, str], error: str, number: int) -> None:
    returned = _returned(_answer(client, _open(client, **changes)))
    assert returned["error"] == error
    assert returned["error_description"].startswith(f"AADSTS{number}: ")


def test_declined(client: Client) -> None:
    returned = _returned(_answer(client, _open(client), "decline", username="", password=""))
    assert returned["error"] == "access_denied"
    assert returned["error_description"].startswith("AADSTS65004: ")


def test_registered_addresses() -> None:
    uris = ["http://localhost", "https://app.contoso.example/callback?a=1"]
    own = {"client_id": OWN_CLIENT, "name": "Own", "graph_permissions": ["User.Read"], "redirect_uris": uris}
    with Simulator(changes={"clients": [own]}) as simulator:
        client = Client(simulator)
        for uri, status in ((uris[1], 200), (f"{BACK}/", 200), ("https://app.contoso.example/callback", 400)):
            assert _open(client, client_id=OWN_CLIENT, redirect_uri=uri).status_code == status, uri
        answer = _answer(client, _open(client, client_id=OWN_CLIENT, redirect_uri=uris[1]))
        assert answer.headers["Location"].startswith(f"{uris[1]}&code=")


# claims


def test_the_person_satisfies_the_claims(client: Client) -> None:
    token = _redeem(client, _code(client, claims=WANT_C1), claims=WANT_C1).json()["access_token"]
    assert claims_of(token)["acrs"] == ["c1"]
    token = _redeem(client, _code(client, claims=WANT_MFA), claims=WANT_MFA).json()["access_token"]
    assert "mfa" in claims_of(token)["amr"]
    assert aadsts(_redeem(client, _code(client), claims=WANT_C1)) == ("interaction_required", [50076])


def test_a_person_who_cannot(client: Client) -> None:
    page = _open(client, claims=WANT_MFA)
    shown = _answer(client, page, username="onefactor@contoso.example", password="Sim-onefactor-password-1")
    assert shown.status_code == 400
    assert "AADSTS50079" in shown.text


# the code


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code": "1.nonsense"}, ("invalid_grant", [70000])),
        ({"code": ""}, ("invalid_request", [900144])),
        ({"client_id": OWN_CLIENT}, ("invalid_grant", [70000])),
        ({"redirect_uri": "http://localhost:1"}, ("invalid_grant", [70000])),
        ({"redirect_uri": "ABSENT"}, ("invalid_grant", [70000])),
        ({"code_verifier": "w" * 64}, ("invalid_grant", [501481])),
        ({"code_verifier": "ABSENT"}, ("invalid_grant", [50148])),
    ],
)
def test_a_code_that_is_not_taken(client: Client, changes: dict[str, str], expected: tuple[str, list[int]]) -> None:
    code = _code(client)
    assert aadsts(_redeem(client, **{"code": code, **changes})) == expected
    assert _redeem(client, code).status_code == 200, "a refused try does not use it up"


def test_a_code_is_taken_once(client: Client) -> None:
    code = _code(client)
    assert _redeem(client, code).status_code == 200
    assert aadsts(_redeem(client, code)) == ("invalid_grant", [54005])


def test_a_code_does_not_live_long(client: Client) -> None:
    code = _code(client)
    client.simulator.advance("PT11M")
    assert aadsts(_redeem(client, code)) == ("invalid_grant", [70008])


def test_plain_and_no_challenge(client: Client) -> None:
    plain = _code(client, code_challenge=VERIFIER, code_challenge_method="ABSENT")
    assert _redeem(client, plain).status_code == 200
    without = _code(client, code_challenge="ABSENT", code_challenge_method="ABSENT")
    assert aadsts(_redeem(client, without)) == ("invalid_grant", [50148])
    assert _redeem(client, without, code_verifier="ABSENT", scope="ABSENT").status_code == 200


def test_the_record_of_it(client: Client) -> None:
    code = _code(client)
    _redeem(client, code)
    _answer(client, _open(client), "decline")
    calls = client.simulator.calls("oauth2")
    kept = json.dumps(calls) + client.simulator.log
    assert [call["detail"] for call in calls] == [
        None,
        "signed in",
        "grant_type=authorization_code",
        None,
        "access_denied AADSTS65004",
    ]
    assert [call["caller"] for call in calls] == [None, OPERATOR, None, None, OPERATOR]
    for secret in (code, PASSWORD, VERIFIER, CHALLENGE, "the state", "the nonce"):
        assert secret not in kept


# msal and a browser


def _environment(simulator: Simulator, tmp_path: Path, **changes: str) -> dict[str, str]:
    return {
        "BROWSER": f"{sys.executable} {BROWSER} %s",
        "HEADLESS_BROWSER_CA": simulator.ca_path,
        "HEADLESS_BROWSER_USERNAME": OPERATOR,
        "HEADLESS_BROWSER_PASSWORD": PASSWORD,
        "HEADLESS_BROWSER_LOG": str(tmp_path / "browser.log"),
        **changes,
    }


@pytest.fixture
def fresh_browsers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library looks for browsers once."""
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})


@pytest.mark.usefixtures("fresh_browsers")
@pytest.mark.parametrize(
    ("changes", "error"),
    [({}, None), ({"HEADLESS_BROWSER_DECISION": "decline"}, "access_denied")],
    ids=["approve", "decline"],
)
def test_msal_interactive(
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    changes: dict[str, str],
    error: str | None,
) -> None:
    for name, value in _environment(simulator, tmp_path, **changes).items():
        monkeypatch.setenv(name, value)
    app = msal.PublicClientApplication(
        CLI,
        authority=f"{simulator.url}/{simulator.tenant_id}",
        instance_discovery=False,
        http_client=PortKeeper(simulator),
        client_capabilities=["CP1"],
    )
    result = app.acquire_token_interactive([f"{GRAPH}/User.Read"], timeout=60, claims_challenge=WANT_C1)
    assert result.get("error") == error, result
    if error is None:
        assert claims_of(result["access_token"])["acrs"] == ["c1"]
    log = (tmp_path / "browser.log").read_text()
    assert log.startswith("200 Sign in to Contoso\n200 ")
    assert PASSWORD not in log


class _Receiver(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.received.append(self.path)  # type: ignore[attr-defined] - the list is put there below
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Not into the output of the tests."""


def test_the_browser_follows_a_redirect(client: Client, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _Receiver) as server:
        server.received = []  # type: ignore[attr-defined] - see above
        server.timeout = 30
        listener = Thread(target=server.handle_request)
        listener.start()
        query = urlencode(_query(redirect_uri=f"http://localhost:{server.server_port}"))
        environment = {**os.environ, **_environment(client.simulator, tmp_path)}
        command = [sys.executable, str(BROWSER), f"{_address(client)}?{query}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True)
        listener.join(40)
        (received,) = server.received  # type: ignore[attr-defined] - see above
    assert re.match(r"/\?code=.*&state=the\+state", received)
    assert done.stdout + done.stderr == ""


def test_the_browser_needs_the_ca(client: Client, tmp_path: Path) -> None:
    environment = {**os.environ, **_environment(client.simulator, tmp_path)}
    del environment["HEADLESS_BROWSER_CA"]
    command = [sys.executable, str(BROWSER), f"{_address(client)}?{urlencode(_query())}"]
    subprocess.run(command, env=environment, timeout=60, check=True)
    log = tmp_path / "browser.log"
    deadline = time.monotonic() + 30
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert log.read_text() == "gave up: SSLCertVerificationError\n"
    assert client.simulator.calls("authorize") == []
