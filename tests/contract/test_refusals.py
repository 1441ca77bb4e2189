# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each refusal of the sign-in service in the guide, brought about in the simulator: code, number, advice, and no secret told.

Where the simulator has the state that leads to it, that state is made; else the answer is ordered.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.advice import ADVICE, SIGN_IN
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import access_token, connect
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock, parse_duration

import headless_browser
from applications import AUDIENCE, Key
from applications import GITHUB as ISSUER
from integration import runs
from simulator_process import Simulator, read_tenant

OPERATOR = "operator@contoso.example"
OWN_CLIENT = "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52"
REPORTING = "915d4fbe-60d8-4c71-8eaa-df4280b35e96"
WITH_CERTIFICATE = "b37f61d0-82fa-4e93-80cc-f164a2d570b8"
SUBJECT = "repo:contoso/infrastructure:environment:production"
GRAPH = "https://graph.microsoft.com"
ARM = "https://management.azure.com"
# Of the answers that are ordered: the `error` beside the number, where it is not invalid_grant.
ERRORS = {
    50074: "interaction_required",
    50158: "interaction_required",
    16000: "interaction_required",
    7000112: "unauthorized_client",
}


KEY, OTHER_KEY = Key(), Key()


@pytest.fixture(scope="module")
def simulator():
    principals = [
        {
            "name": "Contoso pipelines",
            "client_id": WITH_CERTIFICATE,
            "certificates": [KEY.certificate_pem],
            "federated_credentials": [
                {"issuer": ISSUER, "subject": SUBJECT, "audience": AUDIENCE, "public_key": KEY.public_pem()}
            ],
        }
    ]
    others = read_tenant()["service_principals"]
    changes = {"service_principals": [*others, *principals], "device_login": {"interval": "PT1S"}}
    with Simulator(changes=changes) as started:
        yield started


class World:
    """A user of the collection, and the tenant they sign in to. Both clocks are moved together."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        self.simulator = simulator
        self.directory = directory
        self.passed = 0.0
        self.passwords = runs.passwords()
        self.secrets = set(self.passwords.values())
        self.options: dict[str, Any] = {"username": OPERATOR, "password": self.password_of("operator")}
        self.browser = {"HEADLESS_BROWSER_CA": simulator.ca_path}
        # What becomes of a code that is shown.
        self.decision = "expire"
        simulator.control("POST", "reset")

    def password_of(self, name: str) -> str:
        return self.passwords[f"PASSWORD_OF_{name.upper()}"]

    def person(self, username: str, **state: Any) -> None:
        """Who signs in, and in which state the account is."""
        self.options = {"username": username, "password": self.password_of(username.partition("@")[0])}
        if state:
            self.simulator.control("POST", f"users/{username}", state)

    def application(self, client_id: str, **credential: str) -> None:
        self.options = {"client_id": client_id, **credential}
        self.secrets |= {value for name, value in credential.items() if name == "client_secret"}

    def policy(self, **policy: Any) -> None:
        self.simulator.control("POST", "conditional_access", {"name": "P", **policy})

    def advance(self, duration: str) -> None:
        self.simulator.advance(duration)
        self.passed += parse_duration(duration)

    def connect(self, **given: Any) -> dict[str, Any]:
        return self._perform(connect.OPERATION, {**self.options, **given})

    def connected(self) -> dict[str, Any]:
        """A session is made, with the client that is permitted everything."""
        result = self.connect(client_id=OWN_CLIENT)
        assert not result.get("failed"), result
        return result

    def token(self, **given: Any) -> dict[str, Any]:
        """A token for the work, by the session."""
        return self._perform(access_token.OPERATION, {"resource": GRAPH, **given})

    def _perform(self, operation: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        context = Context(
            clock=Clock(lambda: time.time() + self.passed, time.monotonic, time.sleep),
            environ=self.simulator.environment,
            show=self._show,
            browse=lambda address: headless_browser.browse(address, self.browser),
        )
        defaults = {name: option.get("default") for name, option in operation.spec()["argument_spec"].items()}
        own = {"session_dir": str(self.directory / "sessions")}
        result = perform(operation, {**defaults, **own, **given}, context)
        self.secrets |= self._kept()
        return result

    def _show(self, line: str) -> None:
        """A code that is shown is left to expire, or declined."""
        for code in self.simulator.control("GET", "device_codes")["device_codes"]:
            if code["user_code"] in line:
                self.simulator.control("POST", f"device_codes/{code['user_code']}", {"decision": self.decision})

    def _kept(self) -> set[str]:
        """The tokens of the session, as long as there is one."""
        file = self.directory / "sessions" / "default.json"
        session = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        tokens = {token["access_token"] for token in session.get("tokens", {}).values()}
        return {token for token in (*tokens, session.get("refresh_token")) if token}

    def federated_token(self, **changes: Any) -> str:
        """The file that a pipeline would have, and what in its token is otherwise."""
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 300, **changes}
        token = jwt.encode(claims, KEY.private_pem(), algorithm="RS256")
        self.secrets.add(token)
        file = self.directory / "federated"
        file.write_text(token, encoding="utf-8")
        return str(file)

    def certificate(self, key: Key) -> str:
        file = self.directory / "certificate.pem"
        file.write_text(key.private_pem() + key.certificate_pem, encoding="utf-8")
        self.secrets |= key.private_body()
        return str(file)


def _in_state(username: str, **state: Any) -> Callable[[World], dict[str, Any]]:
    def refused(world: World) -> dict[str, Any]:
        world.person(username, **state)
        return world.connect()

    return refused


def _under_policy(username: str = OPERATOR, state: Mapping[str, Any] | None = None, **policy: Any):
    def refused(world: World) -> dict[str, Any]:
        world.person(username, **(state or {}))
        world.policy(**policy)
        return world.connect()

    return refused


def _with(**options: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: world.connect(**options)


def _with_federated_token(client_id: str = WITH_CERTIFICATE, **claims: Any) -> Callable[[World], dict[str, Any]]:
    def refused(world: World) -> dict[str, Any]:
        world.application(client_id, federated_token_file=world.federated_token(**claims))
        return world.connect()

    return refused


def _with_something_else_than_a_token(world: World) -> dict[str, Any]:
    file = Path(world.federated_token())
    file.write_text("no-token", encoding="utf-8")
    world.application(WITH_CERTIFICATE, federated_token_file=str(file))
    return world.connect()


def _for_a_service_that_is_not_there(world: World) -> dict[str, Any]:
    world.connected()
    return world.token(resource="https://elsewhere.example")


def _with_another_certificate(world: World) -> dict[str, Any]:
    world.application(WITH_CERTIFICATE, certificate_path=world.certificate(OTHER_KEY))
    return world.connect()


def _wrong_password(world: World) -> dict[str, Any]:
    return world.connect(password=world.passwords["WRONG_SECRET"])


def _wrong_secret(world: World) -> dict[str, Any]:
    world.application(REPORTING, client_secret=world.passwords["WRONG_SECRET"])
    return world.connect()


def _expired_secret(world: World) -> dict[str, Any]:
    world.application(REPORTING, client_secret=world.passwords["EXPIRED_SECRET_OF_REPORTING"])
    return world.connect()


def _declined(world: World) -> dict[str, Any]:
    world.browser |= {
        "HEADLESS_BROWSER_USERNAME": OPERATOR,
        "HEADLESS_BROWSER_PASSWORD": world.password_of("operator"),
        "HEADLESS_BROWSER_DECISION": "decline",
    }
    return world.connect(auth_method="interactive", username=OPERATOR, password=None, login_timeout=30)


def _code_expired(world: World) -> dict[str, Any]:
    return world.connect(auth_method="device_code", password=None, login_timeout=30)


def _azure_with_a_client_of_microsofts(world: World) -> dict[str, Any]:
    return world.token(**world.options, resource=ARM)


def _revoked(world: World) -> dict[str, Any]:
    world.connected()
    world.simulator.control("POST", "tokens/revoke", {"username": OPERATOR})
    world.advance("PT2H")
    return world.token()


def _by_policy_after(duration: str, **policy: Any) -> Callable[[World], dict[str, Any]]:
    def refused(world: World) -> dict[str, Any]:
        world.connected()
        if policy:
            world.policy(**policy)
        world.advance(duration)
        return world.token()

    return refused


def _with_the_refresh_token_of_another_client(world: World) -> dict[str, Any]:
    world.connect(session="other")
    world.connected()
    file, other = (world.directory / "sessions" / f"{name}.json" for name in ("default", "other"))
    session = json.loads(file.read_text(encoding="utf-8"))
    session["refresh_token"] = json.loads(other.read_text(encoding="utf-8"))["refresh_token"]
    session["tokens"] = {}
    file.write_text(json.dumps(session), encoding="utf-8")
    return world.token()


STATES: dict[int, Callable[[World], dict[str, Any]]] = {
    50027: _with_something_else_than_a_token,
    50034: _with(username="nobody@contoso.example"),
    50053: _in_state(OPERATOR, state="locked"),
    50055: _in_state(OPERATOR, state="password_expired"),
    50056: _in_state(OPERATOR, password=None),
    50057: _in_state("leaver@contoso.example"),
    50072: _under_policy(state={"mfa": "unregistered"}),
    50076: _in_state("strict@contoso.example"),
    50079: _under_policy(state={"mfa": "none"}),
    50105: _with(client_id="804c3ead-5fc7-4b60-9d99-ce317fa24d85"),
    50126: _wrong_password,
    50173: _revoked,
    53000: _under_policy(require="compliant_device"),
    53001: _under_policy(require="joined_device"),
    53003: _under_policy(require="block"),
    65001: _with(client_id="7f3b2d9c-4eb6-4a5f-8c88-bd206e913c74"),
    65002: _azure_with_a_client_of_microsofts,
    65004: _declined,
    70000: _with_the_refresh_token_of_another_client,
    70020: _code_expired,
    70025: _with_federated_token(REPORTING),
    70043: _by_policy_after("PT4H", require="nothing", sign_in_frequency="PT4H"),
    90002: _with(tenant="fabrikam.example"),
    90072: _in_state(OPERATOR, state="not_invited"),
    500011: _for_a_service_that_is_not_there,
    700016: _with(client_id="00000000-1111-4222-8333-444444444444"),
    700024: _with_federated_token(exp=1, nbf=0, iat=0),
    700027: _with_another_certificate,
    700082: _by_policy_after("P90D"),
    700211: _with_federated_token(iss="https://elsewhere.example"),
    700212: _with_federated_token(aud="elsewhere"),
    700213: _with_federated_token(sub="repo:somebody/else"),
    7000215: _wrong_secret,
    7000218: _with(client_id=REPORTING),
    7000222: _expired_secret,
}


@pytest.fixture
def world(simulator, tmp_path):
    return World(simulator, tmp_path)


def test_no_state_is_for_nothing():
    assert set(STATES) <= set(SIGN_IN)


@pytest.mark.parametrize("number", sorted(SIGN_IN))
def test_refusal(world, number):
    if number in STATES:
        result = STATES[number](world)
    else:
        order = {"path": "/oauth2/v2.0/token$", "aadsts": number, "oauth_error": ERRORS.get(number, "invalid_grant")}
        world.simulator.control("POST", "faults", order)
        result = world.connect()
    code, advice = SIGN_IN[number]
    assert result.get("failed"), result
    failure = result["failure"]
    assert (failure["code"], failure["service_code"], failure["advice"]) == (code, f"AADSTS{number}", advice), result
    assert result["msg"].endswith(advice)
    assert f"AADSTS{number}" in result["msg"]
    assert "Trace ID" not in result["msg"]
    if code == "consent_required":
        assert "lacks consent for" in result["msg"]
    told = json.dumps(result)
    assert world.secrets
    assert not [secret for secret in world.secrets if secret in told]


def test_a_device_code_that_was_declined(world):
    """The one refusal of a person that has no number."""
    world.decision = "decline"
    result = world.connect(auth_method="device_code", password=None, login_timeout=30)
    failure = result["failure"]
    assert (failure["code"], failure["service_code"]) == ("login_declined", "authorization_declined")
    assert failure["advice"] == ADVICE["login_declined"]
    assert result["msg"].endswith(failure["advice"])


def test_a_password_that_was_changed_ends_a_session_and_not_the_next(world):
    """What a password sign-in is told to check is not what a task with a session has."""
    world.connected()
    world.advance("PT2H")
    world.simulator.control("POST", "faults", {"path": "/oauth2/v2.0/token$", "aadsts": 50126, "times": 1})
    failure = world.token()["failure"]
    assert (failure["code"], failure["service_code"]) == ("session_expired", "AADSTS50126")
    assert "pim_connect" in failure["advice"]
    assert world.connected()["changed"]
    assert not world.token().get("failed")


def test_a_silent_sign_in_that_meets_a_wrong_password_is_followed_by_a_real_one(world):
    """By `pim_connect` itself: the session is there, its refresh is refused, and the task's own password is right."""
    world.connected()
    world.advance("PT2H")
    world.simulator.control("POST", "faults", {"path": "/oauth2/v2.0/token$", "aadsts": 50126, "times": 1})
    assert world.connected()["changed"]


def test_a_session_outlives_a_refusal_that_passes(world):
    """A machine that was at the wrong place for an hour: nobody has to sign in again."""
    world.connected()
    world.policy(require="block")
    world.advance("PT2H")
    refused = world.token()
    assert (refused["failure"]["code"], refused["failure"]["service_code"]) == ("login_failed", "AADSTS53003")
    world.simulator.control("DELETE", "conditional_access/P")
    assert not world.token().get("failed")
