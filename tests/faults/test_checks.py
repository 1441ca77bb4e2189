# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the cells themselves: each finds what it is there to find."""

from __future__ import annotations

from typing import Any

import pytest

from faults import checks
from faults.kinds import NOTHING
from faults.matrix import Cell
from faults.stage import Stage, Told
from faults.stories import Story, activation
from faults.truth import Key, Truth

_KEY: Key = ("entra_roles", "Reader")
_ROLE = {"provider": _KEY[0], "role": _KEY[1], "scope": "/"}
_CELL = Cell(Story("one", activation.OPERATION, lambda _stage: {}, roles=(_ROLE,)), NOTHING)
_SAFE = "Running again is safe."


def _request(number: str, status: str = "Provisioned", action: str = "selfActivate") -> dict[str, Any]:
    return {"id": number, "provider": _KEY[0], "role": _KEY[1], "action": action, "status": status}


def _truth(*requests: dict[str, Any], active: bool = False) -> Truth:
    return Truth(frozenset([_KEY] if active else []), {one["id"]: one for one in requests})


def _failed(message: str, *, changed: bool = False) -> Told:
    failure = {"code": "network", "provider": _KEY[0], "role": _KEY[1]}
    return Told({"failed": True, "changed": changed, "msg": message, "failure": failure}, [], [], 1.0)


@pytest.mark.parametrize(
    ("message", "active"),
    [
        ("The service cannot be reached.", False),
        (f"The service cannot be reached. {_SAFE}", False),
        (f"It failed; Reader at / is not active now. {_SAFE}", True),
        (f"It failed; Reader at / is active now. {_SAFE}", False),
        (f"It failed; the request for Reader at / still waits. {_SAFE}", False),
        ("It failed; Reader at / is not active now.", False),
    ],
    ids=["silent", "silent of the state", "lies that it is off", "lies that it is on", "lies that it waits", "unsafe"],
)
def test_a_message_that_is_silent_or_lies(message: str, active: bool) -> None:
    with pytest.raises(AssertionError):
        checks.check_message(_CELL, _failed(message), _truth(), _truth(active=active), 1)


@pytest.mark.parametrize(
    ("message", "active"),
    [
        (f"It failed; Reader at / is not active now. {_SAFE}", False),
        (f"It failed; Reader at / is active now. {_SAFE}", True),
        (f"It failed; the state of Reader at / is unknown. {_SAFE}", True),
    ],
)
def test_a_message_that_is_true(message: str, active: bool) -> None:
    checks.check_message(_CELL, _failed(message), _truth(), _truth(active=active), 1)


def test_two_activations() -> None:
    checks.check_activations([_KEY], _truth(), _truth(_request("a"), _request("b", "Canceled")))
    with pytest.raises(AssertionError, match="activated 2 times"):
        checks.check_activations([_KEY], _truth(), _truth(_request("a"), _request("b")))


@pytest.mark.parametrize(("changed", "made"), [(True, []), (False, [_request("a")])])
def test_a_change_that_was_none_and_one_that_is_not_told(changed: bool, made: list[dict[str, Any]]) -> None:
    told = Told({"changed": changed}, [], [], 1.0)
    with pytest.raises(AssertionError):
        checks.check_changed(_CELL, told, _truth(), _truth(*made))


class _Journal:
    """A stage of which only the journal is asked for."""

    def __init__(self, *lines: dict[str, Any]) -> None:
        self._lines = list(lines)

    def journal(self) -> list[dict[str, Any]]:
        return self._lines


def _lines(outcome: str, number: str | None) -> list[dict[str, Any]]:
    asked = {"entry": "1", "event": "submitting", "provider": _KEY[0], "role": _KEY[1], "action": "activate"}
    return [asked, {"entry": "1", "event": "outcome", "outcome": outcome, "request_id": number}]


@pytest.mark.parametrize(
    ("lines", "made"),
    [
        ([], [_request("a")]),
        (_lines("refused", None), [_request("a")]),
        (_lines("accepted", "b"), [_request("a")]),
        (_lines("accepted", "a"), []),
    ],
    ids=["forgotten", "told as refused", "told as another", "claimed"],
)
def test_a_journal_that_is_not_true(lines: list[dict[str, Any]], made: list[dict[str, Any]]) -> None:
    stage: Any = _Journal(*lines)
    with pytest.raises(AssertionError):
        checks.check_journal(stage, 0, _truth(), _truth(*made))


def test_secrets_wherever_they_are() -> None:
    secret = "Sim-operator-password-1"
    clean: Stage = _Journal()  # type: ignore[assignment]  # as above
    checks.check_secrets(clean, Told({"access_token": secret}, [], [], 1.0), {secret}, door=True)
    for told in (Told({"msg": secret}, [], [], 1.0), Told({}, [secret], [], 1.0), Told({}, [], [secret], 1.0)):
        with pytest.raises(AssertionError):
            checks.check_secrets(clean, told, {secret}, door=False)
    written: Stage = _Journal({"role": secret})  # type: ignore[assignment]  # as above
    with pytest.raises(AssertionError):
        checks.check_secrets(written, Told({}, [], [], 1.0), {secret}, door=False)


def test_an_end_that_does_not_fit_and_one_that_is_late() -> None:
    checks.check_end(_failed(""), {"network"}, 2.0)
    for allowed, limit in (({"ok"}, 2.0), ({"network"}, 0.5)):
        with pytest.raises(AssertionError):
            checks.check_end(_failed(""), allowed, limit)
