# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``$batch``: 20 items, each with its own answer."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.service_client import DIRECTORY, MINE, VIEWER, Client, claims_of, error_of
from simulator_process import Simulator

ACTIVE = f"/{DIRECTORY}/roleAssignmentScheduleInstances/{MINE}"
REQUESTS = f"/{DIRECTORY}/roleAssignmentScheduleRequests"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
JSON = {"Content-Type": "application/json"}


def _batch(client: Client, items: list[Any], token: str | None = None) -> Any:
    return client.graph("POST", "$batch", token or client.token(), json={"requests": items})


def _get(item_id: str, url: str = "/me") -> dict[str, Any]:
    return {"id": item_id, "method": "GET", "url": url}


def _by_id(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {item["id"]: item for item in answer.json()["responses"]}


def test_each_item_has_its_own_status(client: Client) -> None:
    token = client.token()
    body = {
        "action": "selfActivate",
        "principalId": claims_of(token)["oid"],
        "roleDefinitionId": SECURITY_READER,
        "directoryScopeId": "/",
        "justification": "a test",
        "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT1H"}},
    }
    items = [
        _get("list", ACTIVE),
        _get("without slash", "me?$select=id"),
        _get("nowhere", "/nonsense"),
        {"id": "post", "method": "post", "url": REQUESTS, "headers": JSON, "body": body},
        {"id": "again", "method": "POST", "url": REQUESTS, "headers": JSON, "body": body},
        {"id": "no type", "method": "POST", "url": REQUESTS, "body": body},
        {"id": "get with body", "method": "GET", "url": "/me", "headers": JSON, "body": {}},
    ]
    answers = _by_id(_batch(client, items, token))
    statuses = {name: item["status"] for name, item in answers.items()}
    assert statuses == {
        "list": 200,
        "without slash": 200,
        "nowhere": 404,
        "post": 201,
        "again": 400,
        "no type": 400,
        "get with body": 400,
    }
    assert answers["again"]["body"]["error"]["code"] == "RoleAssignmentExists"
    assert answers["post"]["body"]["status"] == "Provisioned"
    assert answers["post"]["headers"]["Content-Type"] == "application/json"
    assert len({item["headers"]["request-id"] for item in answers.values()}) == len(items)


def test_an_item_without_content(client: Client) -> None:
    token = client.token()
    request_id = client.request(token, "e8611ab8-c189-46e8-94e1-60213ab1f814").json()["id"]
    answer = _by_id(_batch(client, [{"id": "1", "method": "POST", "url": f"{REQUESTS}/{request_id}/cancel"}], token))
    assert answer["1"]["status"] == 204
    assert "body" not in answer["1"]


def test_permissions_are_those_of_the_batch(client: Client) -> None:
    answers = _by_id(_batch(client, [_get("1", f"{REQUESTS}/{MINE}"), _get("2")], client.token(client_id=VIEWER)))
    assert (answers["1"]["status"], answers["2"]["status"]) == (403, 200)
    assert client.graph("POST", "$batch", json={"requests": [_get("1")]}).status_code == 401


def test_depends_on(client: Client) -> None:
    items = [
        _get("good"),
        _get("bad", "/nonsense"),
        {**_get("after good"), "dependsOn": ["good"]},
        {**_get("after bad"), "dependsOn": ["bad"]},
        {**_get("after after bad"), "dependsOn": ["after bad"]},
    ]
    statuses = {name: item["status"] for name, item in _by_id(_batch(client, items)).items()}
    assert statuses == {"good": 200, "bad": 404, "after good": 200, "after bad": 424, "after after bad": 424}


def test_twenty_but_no_more(client: Client) -> None:
    assert len(_by_id(_batch(client, [_get(str(n)) for n in range(20)]))) == 20
    assert error_of(_batch(client, [_get(str(n)) for n in range(21)])) == (400, "BadRequest")


@pytest.mark.parametrize(
    "items",
    [
        [],
        [_get("a"), _get("A")],
        [_get("")],
        [{"id": 1, "method": "GET", "url": "/me"}],
        [{"id": "1", "method": "GET"}],
        [{"id": "1", "url": "/me"}],
        [{**_get("1"), "method": "BREW"}],
        [{**_get("1"), "nonsense": 1}],
        [{**_get("1"), "headers": {"a": 1}}],
        [{**_get("1"), "dependsOn": ["2"]}],
        [{**_get("1"), "dependsOn": "2"}],
        [_get("1", "https://graph.microsoft.com/v1.0/me")],
        [_get("1", "/$batch")],
        ["x"],
    ],
)
def test_malformed(client: Client, items: list[Any]) -> None:
    assert error_of(_batch(client, items)) == (400, "BadRequest")


def test_malformed_around_the_items(client: Client) -> None:
    token = client.token()
    for body in ({}, {"requests": {}}, {"requests": [_get("1")], "more": 1}):
        assert error_of(client.graph("POST", "$batch", token, json=body)) == (400, "BadRequest")
    assert error_of(client.graph("GET", "$batch", token)) == (405, "BadRequest")
    assert client.graph("POST", "$batch?x=1", token, json={"requests": [_get("1")]}).status_code == 400


def test_a_version_in_an_items_url_is_an_unknown_segment(client: Client) -> None:
    assert _by_id(_batch(client, [_get("1", "/v1.0/me")]))["1"]["status"] == 404


def test_beta_has_its_own_batch(client: Client) -> None:
    token = client.token()
    path = f"/{DIRECTORY}/roleAssignmentApprovals/nonsense"
    answers = {}
    for version in ("v1.0", "beta"):
        answer = client.graph("POST", "$batch", token, version=version, json={"requests": [_get("1", path)]})
        answers[version] = _by_id(answer)["1"]["body"]["error"]["code"]
    assert answers == {"v1.0": "BadRequest", "beta": "ResourceNotFound"}


def test_order_of_answers(client: Client) -> None:
    names = [str(n) for n in range(20)]
    orders = {
        tuple(i["id"] for i in _batch(client, [_get(n) for n in names]).json()["responses"]) for _unused in range(3)
    }
    assert orders != {tuple(names)}, "answers come in any order"
    with Simulator(changes={"behaviour": {"batch_order": "as_asked"}}) as other:
        answer = _batch(Client(other), [_get(n) for n in names]).json()
        assert [item["id"] for item in answer["responses"]] == names


def test_the_record_tells_the_items(client: Client) -> None:
    token = client.token()
    client.simulator.control("DELETE", "calls")
    _batch(client, [_get("1", "/me?$select=id"), _get("2", "/nonsense?secret=abc")], token)
    (call,) = client.simulator.calls(r"\$batch")
    assert call["batch"] == [
        {"method": "GET", "url": "/me?$select=id", "status": 200},
        {"method": "GET", "url": "/nonsense?secret=***", "status": 404},
    ]
