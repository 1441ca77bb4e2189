# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain HTTP client of the simulator for its own tests: no part of the collection, no msal."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests

from simulator_process import DEFAULT_TENANT, Simulator, read_tenant

GRAPH = "https://graph.microsoft.com"
CLI = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
OWN_CLIENT = "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52"
VIEWER = "6e2a1c8b-3da5-4f4e-9b77-ac1f5d802b63"

OPERATOR = "operator@contoso.example"
ADMINISTRATOR = "administrator@contoso.example"
APPROVER = "approver@contoso.example"

DIRECTORY = "roleManagement/directory"
MINE = "filterByCurrentUser(on='principal')"
ARM_SCOPE = "https://management.azure.com/.default"
WANT_C7 = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c7"}, "xms_cc": {"values": ["cp1"]}}})
GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "testing_with_the_simulator.md").read_text(encoding="utf-8")


@functools.cache
def passwords(tenant: Path = DEFAULT_TENANT) -> dict[str, str]:
    """User name to password, as the tenant file has them."""
    return {user["username"]: user["password"] for user in read_tenant(tenant)["users"]}


class Client:
    """Calls of one simulator, as somebody or other."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = simulator.ca_path
        self._passwords = passwords()
        self._tokens: dict[tuple[str, str, str | None], str] = {}

    # sign-in

    def post_form(self, path: str, form: dict[str, str], **options: Any) -> requests.Response:
        return self.session.post(f"{self.simulator.url}/{path}", data=form, timeout=30, **options)

    def token_answer(self, tenant: str | None = None, **form: str) -> requests.Response:
        return self.post_form(f"{tenant or self.simulator.tenant_id}/oauth2/v2.0/token", form)

    def password_answer(self, username: str, **form: str) -> requests.Response:
        base = {
            "grant_type": "password",
            "client_id": CLI,
            "username": username,
            "password": self._passwords.get(username, "no password"),
            "scope": f"{GRAPH}/.default openid profile offline_access",
        }
        tenant = form.pop("tenant", None)
        return self.token_answer(tenant=tenant, **{**base, **form})

    def device_start(self, **form: str) -> requests.Response:
        base = {"client_id": CLI, "scope": f"{GRAPH}/.default openid offline_access"}
        return self.post_form(f"{self.simulator.tenant_id}/oauth2/v2.0/devicecode", {**base, **form})

    def device_poll(self, device_code: str, **form: str) -> requests.Response:
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        return self.token_answer(**{"grant_type": grant, "client_id": CLI, "device_code": device_code, **form})

    def device_token(self, username: str, claims: str) -> str:
        """A token that satisfies ``claims``, from a person who approved a device code."""
        flow = self.device_start(claims=claims).json()
        order = {"decision": "approve", "username": username}
        self.simulator.control("POST", f"device_codes/{flow['user_code']}", order)
        answer = self.device_poll(flow["device_code"], claims=claims)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def token(self, username: str = OPERATOR, client_id: str = CLI, claims: str | None = None) -> str:
        """A new access token by password."""
        form = {"client_id": client_id}
        if claims is not None:
            form["claims"] = claims
        answer = self.password_answer(username, **form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def app_token(self, client_id: str, secret: str) -> str:
        answer = self.token_answer(
            grant_type="client_credentials", client_id=client_id, client_secret=secret, scope=f"{GRAPH}/.default"
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    # Graph

    def graph(self, method: str, path: str, token: str | None = None, version: str = "v1.0", **options: Any) -> Any:
        headers = options.pop("headers", {})
        if token is not None:
            headers = {"Authorization": f"Bearer {token}", **headers}
        url = path if path.startswith("https://") else f"{self.simulator.url}/{version}/{path}"
        return self.session.request(method, url, headers=headers, timeout=30, **options)

    def rows(self, path: str, token: str) -> list[dict[str, Any]]:
        """The rows of one page."""
        answer = self.graph("GET", path, token)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    def request(self, token: str, role: str, action: str = "selfActivate", **body: Any) -> requests.Response:
        """A schedule request for the token's own principal."""
        kind = body.pop("kind", "Assignment")
        duration = body.pop("duration", "PT1H")
        content: dict[str, Any] = {
            "action": action,
            "principalId": claims_of(token)["oid"],
            "roleDefinitionId": role,
            "directoryScopeId": "/",
        }
        if action == "selfActivate":
            content["justification"] = "a test"
            content["scheduleInfo"] = {"expiration": {"type": "AfterDuration", "duration": duration}}
        content.update(body)
        content = {name: value for name, value in content.items() if value != "ABSENT"}
        answer: requests.Response = self.graph("POST", f"{DIRECTORY}/role{kind}ScheduleRequests", token, json=content)
        return answer

    def active(self, token: str) -> set[tuple[str, str]]:
        """(role id, scope) of what is listed as active."""
        rows = self.rows(f"{DIRECTORY}/roleAssignmentScheduleInstances/{MINE}", token)
        return {(row["roleDefinitionId"], row["directoryScopeId"]) for row in rows}


class PortKeeper(requests.Session):
    """msal asks for the user realm at the authority's host without its port."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self.trust_env = False
        self._url = simulator.url
        self._ca_path = simulator.ca_path

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override] - the options are passed on as they come
        parts = urlsplit(url)
        if parts.hostname == "localhost" and parts.port is None:
            url = self._url + url.split("localhost", 1)[1]
        return super().request(method, url, **{"timeout": 30, **options, "verify": self._ca_path})


def change(client: Client, username: str = OPERATOR, **keys: Any) -> dict[str, Any]:
    shown: dict[str, Any] = client.simulator.control("POST", f"users/{username}", keys)
    return shown


def order(client: Client, name: str = "A policy", **keys: Any) -> dict[str, Any]:
    """A policy is ordered; as the simulator shows it."""
    shown: dict[str, Any] = client.simulator.control("POST", "conditional_access", {"name": name, **keys})
    return shown


def refresh(client: Client, token: str, **form: str) -> requests.Response:
    base = {"grant_type": "refresh_token", "client_id": CLI, "scope": f"{GRAPH}/.default openid offline_access"}
    return client.token_answer(**{**base, "refresh_token": token, **form})


def by_device_code(client: Client, username: str = OPERATOR, **form: str) -> dict[str, Any]:
    """What the token endpoint answers when the person has approved."""
    flow = client.device_start(**form).json()
    client.simulator.control("POST", f"device_codes/{flow['user_code']}", {"decision": "approve", "username": username})
    answer = client.device_poll(flow["device_code"], **{k: v for k, v in form.items() if k != "scope"})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def claims_of(token: str) -> dict[str, Any]:
    """Unverified: what the token says."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def error_of(answer: requests.Response) -> tuple[int, str]:
    """(HTTP status, code) of Graph's refusal."""
    return answer.status_code, answer.json()["error"]["code"]


def aadsts(answer: requests.Response) -> tuple[str, list[int]]:
    """(error, codes) of the sign-in service's refusal."""
    body = answer.json()
    return body["error"], body["error_codes"]
