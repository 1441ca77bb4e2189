# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links to next pages that a client must not follow, or not for ever, ordered as faults: of Graph, in a batch, of ARM."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from simulator.arm_client import AUTHORIZATION, ArmClient
from simulator.arm_client import MINE as ASK_ARM
from simulator.service_client import DIRECTORY, MINE

GRAPH_LIST = f"{DIRECTORY}/roleEligibilityScheduleInstances/{MINE}"
ARM_LIST = f"{AUTHORIZATION}/roleEligibilityScheduleInstances?{ASK_ARM}"


@pytest.mark.parametrize(
    ("kind", "scheme", "foreign"),
    [("other_host", "https", True), ("other_scheme", "http", False), ("same_page", "https", False)],
)
def test_of_graph_and_of_arm(arm: ArmClient, kind: str, scheme: str, foreign: bool) -> None:
    arm.simulator.control("POST", "faults", {"path": "ScheduleInstances", "next_link": kind, "times": None})
    graph = arm.graph("GET", GRAPH_LIST, arm.token()).json()
    azure = arm.call("GET", ARM_LIST, arm.arm_token()).json()
    item = {"id": "1", "method": "GET", "url": GRAPH_LIST}
    arm.simulator.control(
        "POST", "faults", {"path": "ScheduleInstances", "next_link": kind, "times": None, "batch_item": True}
    )
    batch = arm.graph("POST", "$batch", arm.token(), json={"requests": [item]}).json()["responses"][0]["body"]
    own = urlsplit(arm.simulator.url)
    for body, name in ((graph, "@odata.nextLink"), (azure, "nextLink"), (batch, "@odata.nextLink")):
        link = urlsplit(body[name])
        assert len(body["value"]) >= 10, "the rows are the service's"
        assert (link.scheme, link.netloc != own.netloc) == (scheme, foreign)
        assert "roleEligibilityScheduleInstances" in link.path


def test_the_same_page_for_ever(arm: ArmClient) -> None:
    arm.simulator.control("POST", "faults", {"path": "ScheduleInstances", "next_link": "same_page", "times": None})
    token = arm.arm_token()
    first = arm.call("GET", ARM_LIST, token).json()
    second = arm.call("GET", first["nextLink"], token, version=None).json()
    assert second == first


def test_only_lists_have_such_a_link(arm: ArmClient) -> None:
    arm.simulator.control("POST", "faults", {"path": "/me", "next_link": "other_host"})
    answer = arm.graph("GET", "me", arm.token())
    assert answer.status_code == 200
    assert "@odata.nextLink" not in answer.json()
    assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ({"next_link": "elsewhere"}, "next_link must be one of other_host, other_scheme, same_page"),
        ({"next_link": "same_page", "status": 500}, "next_link changes the service's own answer"),
    ],
)
def test_refused(arm: ArmClient, order: dict[str, object], text: str) -> None:
    status, content = arm.simulator.control_raw("POST", "faults", {"path": "x", **order})
    assert status == 400
    assert text in content["error"]
