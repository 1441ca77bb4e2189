# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module, drawn from its argument spec: values of the right type, of another one, and what nobody would write.

They pass the same validation as in the edges, and then go to the operation, against the simulator.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any
from unittest import mock

import pytest
import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import (
    access_token,
    activation,
    approval,
    connect,
    giving_back,
    request_info,
    role_info,
    session_info,
)
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.operation import Operation
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.plugin_utils._controller.core_versions import plain
from hypothesis import given
from hypothesis import strategies as st

from faults.network import Network
from faults.stage import OPERATOR, Stage
from fuzz import nasty
from tools import layout

_OPERATIONS: dict[str, tuple[Operation, dict[str, Any]]] = {
    "pim_connect": (connect.OPERATION, {}),
    "pim_session_info": (session_info.OPERATION, {}),
    "pim_role_info": (role_info.OPERATION, {}),
    "pim_role_activation": (
        activation.OPERATION,
        {"role": "Groups Administrator", "justification": "a test", "wait_timeout": 20},
    ),
    "pim_request_info": (request_info.OPERATION, {}),
    "pim_approval": (approval.OPERATION, {"request_id": "3fa5d2a0-0000-4000-8000-000000000001", "decision": "approve"}),
    "pim_give_back": (giving_back.OPERATION, {"roles": [{"role": "Groups Administrator"}]}),
    "access_token": (access_token.OPERATION, {"resource": "https://graph.microsoft.com"}),
}
_SECRET = "a-Secret-Of-This-Test-0815"
_SECONDS = 20.0
_LONGEST = 2_500
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# Null, and texts that look like something.
_TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from([one for one in nasty.VALUES if isinstance(one, str)]),
    st.sampled_from(
        [
            "Groups Administrator",
            "/",
            "contoso.example",
            "PT1H",
            "max",
            "2030-01-01T00:00:00Z",
            "1h",
            "c1",
            "operator@contoso.example",
            "approve",
        ]
    ),
)
_ANYTHING = st.one_of(
    st.sampled_from([*nasty.VALUES, nasty.deep(200)]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
        max_leaves=6,
    ),
)
_NUMBERS = (
    st.integers() | st.floats() | st.sampled_from(["0", "-1", "1e3", "nan", "inf", "9" * 5_000, "0x10", "1_0", "٣"])
)


def _values(option: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """For one option: mostly of its type."""
    if option.get("no_log"):
        return st.sampled_from([_SECRET, _SECRET + "\n", "\x00" + _SECRET, _SECRET * 400, "\ud800" + _SECRET])
    kind = option["type"]
    right: st.SearchStrategy[Any]
    if "choices" in option:
        right = st.sampled_from(option["choices"])
        if kind == "list":
            right = st.lists(right, max_size=4)
    elif kind == "list":
        inner = option.get("options")
        right = st.lists(_tasks(inner, {}) if inner else _TEXTS, max_size=3)
    else:
        right = {"bool": st.booleans() | st.sampled_from(["yes", "off", 1]), "int": _NUMBERS, "float": _NUMBERS}.get(
            kind, _TEXTS
        )
    return st.one_of(*[right] * 6, _ANYTHING)


def _tasks(spec: Mapping[str, Any], base: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Options: those of ``base``, with up to four set otherwise."""
    names = st.lists(st.sampled_from(sorted(spec)), min_size=1, max_size=4, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: _values(spec[name]) for name in chosen})).map(
        lambda drawn: {**base, **drawn}
    )


class Bench:
    """The simulator, set back whenever something was asked of it."""

    def __init__(self) -> None:
        self._network = Network()
        self._stage = Stage({}, self._network).start()
        self._fresh = False

    def close(self) -> None:
        self._stage.stop()
        self._network.close()

    def perform(
        self, operation: Operation, params: Mapping[str, Any], *, check_mode: bool
    ) -> tuple[dict[str, Any], list[str], int]:
        """The result, its warnings, and how many calls were made."""
        stage = self._stage
        if not self._fresh:
            stage.begin()
            stage.sign_in(OPERATOR, ("entra_roles",))
        environ = {**stage.environ, "ENTRA_PIM_SESSION_DIR": str(stage.directory)}
        context = Context(clock=stage.time.clock, environ=environ, check_mode=check_mode, show=lambda _line: None)
        calls: list[str] = []
        send = requests.adapters.HTTPAdapter.send

        def watch(adapter: Any, request: Any, *arguments: Any, **options: Any) -> Any:
            calls.append(request.url)
            return send(adapter, request, *arguments, **options)

        started = time.monotonic()
        with mock.patch.object(requests.adapters.HTTPAdapter, "send", watch):
            result = perform(operation, params, context)
        assert time.monotonic() - started < _SECONDS, "it hung"
        self._fresh = not calls and operation is not connect.OPERATION
        return result, context.warnings, len(calls)


@pytest.fixture(scope="module")
def bench():
    opened = Bench()
    yield opened
    opened.close()


def _tried(bench: Bench, name: str, options: Mapping[str, Any], *, check_mode: bool = False) -> None:
    operation, _base = _OPERATIONS[name]
    spec = operation.spec()
    spec.pop("supports_check_mode", None)
    try:
        validation = ArgumentSpecValidator(**spec).validate(plain(options))
    except OverflowError:
        # ansible-core's own, in both edges: the infinite, where a number without a fraction is wanted.
        return
    if validation.error_messages:
        told = " ".join(validation.error_messages)
        assert any(option in told for option in options) or "roles" in told, told
        return
    result, warnings, calls = bench.perform(operation, validation.validated_parameters, check_mode=check_mode)
    failure = result.get("failure") or {}
    assert failure.get("code") != "unexpected", result["msg"]
    told = result.get("msg", "")
    if name != "access_token":
        assert _SECRET not in json.dumps([result, warnings]), "a secret is told"
    assert _SECRET not in told
    for text in (told, *warnings):
        assert len(text) < _LONGEST, f"{len(text)} characters: {text[:300]}"
        assert not _CONTROL.search(text), f"{text!r:.500}"
    json.dumps(result).encode()
    if failure.get("code") == "invalid_option":
        assert not calls, f"{calls} calls before: {told}"
        spec_names = {
            *spec["argument_spec"],
            *(alias for one in spec["argument_spec"].values() for alias in one.get("aliases", ())),
        }
        assert any(option in told for option in spec_names), f"no option is named: {told}"


@pytest.mark.parametrize("name", _OPERATIONS)
def test_options(bench, name):
    operation, base = _OPERATIONS[name]

    @given(options=_tasks(operation.spec()["argument_spec"], base), check_mode=st.booleans())
    def search(options, check_mode):
        _tried(bench, name, options, check_mode=check_mode)

    search()


def test_every_module_is_here():
    modules = {path.stem for path in (layout.ROOT / "plugins" / "modules").glob("pim_*.py")}
    assert modules == {name for name in _OPERATIONS if name.startswith("pim_")}


_FOUND = (
    ("pim_role_info", {"principal": "\ud800"}),
    ("pim_role_activation", {"wait_timeout": "9" * 400}),
    ("pim_give_back", {"wait_timeout": "9" * 5_000}),
    ("pim_connect", {"login_timeout": "9" * 5_000}),
    ("pim_connect", {"session_dir": "\ud800"}),
    ("pim_request_info", {"session_dir": "x" * 5_000}),
    ("pim_approval", {"request_id": "x" * 5_000}),
    ("pim_role_info", {"client_id": "\x1f"}),
    ("pim_session_info", {"arm_url": "x" * 5_000}),
    ("access_token", {"client_id": "0", "client_secret": "\ud800" + _SECRET}),
)


@pytest.mark.parametrize(("name", "options"), _FOUND, ids=[f"{name} {list(options)}" for name, options in _FOUND])
@pytest.mark.parametrize("check_mode", [False, True])
def test_options_that_were_a_fault_once(bench, name, options, check_mode):
    _tried(bench, name, {**_OPERATIONS[name][1], **options}, check_mode=check_mode)
