# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to both APIs in one go: each outcome in its place, and one API that is stopped hides nothing of the other."""

from __future__ import annotations

import json
import threading
from unittest import mock

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.api.calls import Answer, Call
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection import Connection
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.repeats import Repeats
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Reply
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import FakeClock
from unit.state.saved import session

HOSTS = {"graph": "https://graph.example", "arm": "https://arm.example"}


class Wire:
    """Stands where transport and tokens stand. ``stopped``: by API, why nothing can be sent to it."""

    def __init__(self, **stopped: PimError) -> None:
        self.session = session(graph_url=HOSTS["graph"], arm_url=HOSTS["arm"])
        self.stopped = stopped
        self.sent: list[str] = []

    def token(self, api: str) -> str:
        if api in self.stopped:
            raise self.stopped[api]
        return f"for-{api}"

    def stop(self) -> None:
        """No call is behind."""

    def is_over(self) -> bool:
        return False

    def repeats(self) -> Repeats:
        return Repeats(FakeClock().clock, float("inf"))

    def send(self, _method, url, *, headers=None, json_body=None, repeatable=None) -> Reply:
        api = next(name for name, host in HOSTS.items() if url.startswith(f"{host}/"))
        assert headers == {"Authorization": f"Bearer for-{api}"}
        self.sent.append(url)
        if url.endswith("/$batch"):
            items = [{"id": one["id"], "status": 200, "body": {"at": one["url"]}} for one in json_body["requests"]]
            return _reply({"responses": items})
        return _reply({"at": url.removeprefix(HOSTS[api]).removeprefix("/v1.0")})


def _reply(body) -> Reply:
    return Reply(200, {}, json.dumps(body).encode())


def connection(wire: Wire) -> Connection:
    options = mock.Mock(session_dir="/nowhere")
    return Connection(wire, wire, options, Context(clock=FakeClock().clock, environ={}))


def reads(text: str) -> list[Call]:
    """One call for each letter: ``g`` to Graph, ``a`` to Azure Resource Manager."""
    names = {"g": "graph", "a": "arm"}
    return [Call(names[letter], "GET", f"/{letter}{place}") for place, letter in enumerate(text)]


@given(st.text("ga", max_size=8))
def test_each_outcome_is_in_its_place(text):
    outcomes = connection(Wire()).run(reads(text))
    assert [outcome.body["at"] for outcome in outcomes] == [call.path for call in reads(text)]


def test_the_calls_to_one_api_go_together():
    wire = Wire()
    connection(wire).run(reads("gaga"))
    assert sorted(wire.sent) == [f"{HOSTS['arm']}/a1", f"{HOSTS['arm']}/a3", f"{HOSTS['graph']}/v1.0/$batch"]


def test_both_apis_are_asked_at_the_same_time():
    together = threading.Barrier(2)

    class Slow(Wire):
        def send(self, *arguments, **options) -> Reply:
            # It opens only where both have come.
            together.wait(5)
            return super().send(*arguments, **options)

    assert len(connection(Slow()).run(reads("ga"))) == 2


@given(
    st.text("ga", min_size=2, max_size=8).filter(lambda text: len(set(text)) == 2), st.sampled_from(["graph", "arm"])
)
def test_one_api_that_is_stopped_hides_nothing_of_the_other(text, stopped):
    failure = PimError("consent_required", "no token")
    outcomes = connection(Wire(**{stopped: failure})).run(reads(text))
    failures = [outcome for outcome in outcomes if isinstance(outcome, PimError)]
    for call, outcome in zip(reads(text), outcomes):
        if call.api == stopped:
            assert isinstance(outcome, PimError)
            assert (outcome.code, outcome.message) == ("consent_required", "no token")
        else:
            assert isinstance(outcome, Answer)
            assert outcome.body["at"] == call.path
    # Each is told of its own role later on.
    assert len({id(one) for one in failures}) == len(failures)


@pytest.mark.parametrize("text", ["g", "a", "ggg", "aaa"])
def test_a_failure_that_stops_all_is_raised(text):
    failure = PimError("network", "gone")
    with pytest.raises(PimError) as caught:
        connection(Wire(graph=failure, arm=failure)).run(reads(text))
    assert caught.value.message == "gone"


def test_where_both_are_stopped_the_first_is_raised():
    stopped = {"graph": PimError("session_expired", "over"), "arm": PimError("consent_required", "none")}
    with pytest.raises(PimError) as caught:
        connection(Wire(**stopped)).run(reads("aga"))
    assert caught.value.code == "session_expired"


def test_writes_of_an_api_that_is_stopped_are_outcomes():
    calls = [Call(name, "POST", "/x", {}) for name in ("arm", "graph", "arm")]
    outcomes = connection(Wire(arm=PimError("network", "gone", uncertain=True))).run(calls)
    assert [isinstance(outcome, PimError) for outcome in outcomes] == [True, False, True]
    # There was no token, and so nothing was sent.
    assert not outcomes[0].uncertain


def test_a_fault_of_ours_is_no_outcome():
    class Faulty(Wire):
        def token(self, api: str) -> str:
            raise KeyError(api)

    with pytest.raises(KeyError):
        connection(Faulty()).run(reads("ga"))


def test_the_failure_of_a_single_call_is_raised():
    here = connection(Wire(arm=PimError("network", "gone")))
    assert here.one(reads("g")[0]).body == {"at": "/g0"}
    with pytest.raises(PimError, match="gone"):
        here.one(reads("a")[0])
