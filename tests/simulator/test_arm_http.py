# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM over HTTP: tokens, api-versions, headers, addresses, bodies, faults, records."""

from __future__ import annotations

import base64
import json
import re
import uuid

import pytest

from simulator.arm_client import AUTHORIZATION, CONTRIBUTOR, MINE, PRODUCTION, ArmClient
from simulator.service_client import ADMINISTRATOR, OPERATOR, error_of
from simulator_process import Simulator

LIST = f"{AUTHORIZATION}/roleEligibilityScheduleInstances?{MINE}"
CP1 = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'


@pytest.mark.parametrize(
    "resource",
    [
        "https://management.azure.com",
        "https://management.azure.com/",
        "https://management.core.windows.net",
        "https://management.core.windows.net/",
        "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    ],
)
def test_audiences(arm: ArmClient, resource: str) -> None:
    assert arm.call("GET", LIST, arm.arm_token(resource=resource)).status_code == 200


def test_tokens_that_are_not_taken(arm: ArmClient) -> None:
    answer = arm.call("GET", LIST, arm.token())
    assert error_of(answer) == (401, "InvalidAuthenticationTokenAudience")
    assert "'https://management.core.windows.net/'" in answer.json()["error"]["message"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
    assert error_of(arm.call("GET", LIST, None)) == (401, "AuthenticationFailed")
    assert error_of(arm.call("GET", LIST, "x.y.z")) == (401, "InvalidAuthenticationToken")
    token = arm.arm_token()
    arm.simulator.advance("PT2H")
    assert error_of(arm.call("GET", LIST, token)) == (401, "ExpiredAuthenticationToken")
    # and Graph takes none of ARM's
    assert arm.graph("GET", "me", arm.arm_token()).status_code == 401


def test_continuous_access_evaluation(arm: ArmClient) -> None:
    token = arm.arm_token(claims=CP1)
    arm.simulator.control("POST", "tokens/revoke", {"username": OPERATOR})
    answer = arm.call("GET", LIST, token)
    assert answer.status_code == 401
    header = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in header
    claims = re.search(r'claims="([^"]+)"', header)
    assert claims is not None
    assert "nbf" in json.loads(base64.b64decode(claims[1]))["access_token"]


def test_api_versions(arm: ArmClient) -> None:
    token = arm.arm_token()
    assert error_of(arm.call("GET", LIST, token, version=None)) == (400, "MissingApiVersionParameter")
    answer = arm.call("GET", LIST, token, version="2019-01-01")
    assert error_of(answer) == (404, "InvalidResourceType")
    assert answer.json()["error"]["message"].startswith(
        "The resource type 'roleEligibilityScheduleInstances' could not be found in the namespace "
        "'Microsoft.Authorization' for api version '2019-01-01'. The supported api-versions are '2020-10-01-preview,"
    )
    for version in ("2020-10-01-preview", "2024-09-01-preview"):
        assert arm.call("GET", LIST, token, version=version).status_code == 200
    assert arm.call("GET", f"{AUTHORIZATION}/roleDefinitions", token, version="2020-10-01").status_code == 404
    assert arm.call("GET", "/subscriptions", token, version=None).status_code == 400


def test_headers(arm: ArmClient) -> None:
    token, mine = arm.arm_token(), str(uuid.uuid4())
    answer = arm.call("GET", LIST, token, headers={"x-ms-client-request-id": mine})
    headers = answer.headers
    assert headers["x-ms-client-request-id"] == mine
    assert headers["x-ms-request-id"] == headers["x-ms-correlation-request-id"]
    assert headers["x-ms-routing-request-id"].endswith(headers["x-ms-request-id"])
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    again = arm.call("GET", LIST, token)
    name = "x-ms-ratelimit-remaining-tenant-reads"
    assert int(again.headers[name]) == int(headers[name]) - 1
    refused = arm.put(token, PRODUCTION, CONTRIBUTOR, duration="PT9H")
    assert refused.status_code == 400
    assert "x-ms-ratelimit-remaining-subscription-writes" in refused.headers
    assert uuid.UUID(refused.headers["x-ms-client-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{AUTHORIZATION}/roleNothings", 404),
        ("GET", AUTHORIZATION, 404),
        ("GET", f"{AUTHORIZATION}/roleAssignmentScheduleRequests/x/y/z", 404),
        ("DELETE", f"{AUTHORIZATION}/roleAssignmentScheduleRequests", 405),
        ("POST", f"{AUTHORIZATION}/roleEligibilityScheduleInstances", 405),
        ("PUT", "/subscriptions", 405),
        ("GET", "/providers/Microsoft.Nothing/things/x", 404),
        ("GET", f"{PRODUCTION}/things", 404),
    ],
)
def test_addresses_that_are_none(arm: ArmClient, method: str, path: str, status: int) -> None:
    answer = arm.call(method, path, arm.arm_token())
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        ("{", "application/json", (400, "BadRequest")),
        ("[]", "application/json", (400, "BadRequest")),
        ('{"properties": {"principalId": NaN}}', "application/json", (400, "BadRequest")),
        ("a=b", "application/x-www-form-urlencoded", (415, "UnsupportedMediaType")),
        ("", "application/json", (400, "BadRequest")),
    ],
)
def test_bodies(arm: ArmClient, content: str, content_type: str, expected: tuple[int, str]) -> None:
    path = f"{PRODUCTION}{AUTHORIZATION}/roleAssignmentScheduleRequests/{uuid.uuid4()}"
    answer = arm.call("PUT", path, arm.arm_token(), data=content, headers={"Content-Type": content_type})
    assert error_of(answer) == expected
    if expected[0] == 400:
        assert answer.json()["error"]["message"] == "Request Body is invalid"


def test_faults_and_records(arm: ArmClient) -> None:
    token = arm.arm_token()
    arm.simulator.control("POST", "faults", {"path": "ScheduleInstances", "status": 429, "retry_after": 7})
    answer = arm.call("GET", LIST, token)
    assert error_of(answer) == (429, "TooManyRequests")
    assert answer.headers["Retry-After"] == "7"
    assert arm.call("GET", LIST, token).status_code == 200
    arm.simulator.control("POST", "faults", {"path": "(?i)schedulerequests/", "method": "PUT", "status": 403})
    name = str(uuid.uuid4())
    assert error_of(arm.put(token, PRODUCTION, CONTRIBUTOR, name=name)) == (403, "AuthorizationFailed")
    order = {"path": "roleAssignmentScheduleRequests", "method": "PUT", "status": 503, "processed": True}
    arm.simulator.control("POST", "faults", order)
    assert error_of(arm.put(token, PRODUCTION, CONTRIBUTOR, name=name)) == (503, "ServiceUnavailable")
    assert error_of(arm.put(token, PRODUCTION, CONTRIBUTOR, name=name)) == (400, "RoleAssignmentRequestExists")
    calls = arm.simulator.calls("roleAssignmentScheduleRequests")
    assert [(call["method"], call["status"]) for call in calls] == [("PUT", 403), ("PUT", 503), ("PUT", 400)]
    assert calls[-1]["caller"] == OPERATOR
    assert calls[-1]["query"] == "api-version=2020-10-01"
    assert calls[-1]["request_id"]
    assert token not in json.dumps(arm.simulator.control("GET", "calls"))


def test_latency(arm: ArmClient) -> None:
    arm.simulator.control("POST", "latency", {"ms": 300, "path": "eligibleChildResources"})
    answer = arm.call("GET", f"{AUTHORIZATION}/eligibleChildResources", arm.arm_token())
    assert answer.elapsed.total_seconds() > 0.29


def test_without_a_licence() -> None:
    with Simulator(changes={"licence": "none"}) as simulator:
        client = ArmClient(simulator)
        answer = client.call("GET", LIST, client.arm_token(ADMINISTRATOR))
        assert error_of(answer) == (400, "AadPremiumLicenseRequired")
