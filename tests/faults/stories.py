# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stories: what is asked, and of which state. Each is played once without a fault, and its calls make the cells.

Without a story are operations that make no HTTP call of ours: ``pim_session_info``, ``pim_connect`` with ``access_token``, with
``azure_cli`` (a program of its own), and with ``state: absent``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.entra.pim.plugins.module_utils._pim.operations import (
    access_token,
    activation,
    approval,
    connect,
    giving_back,
    request_info,
    role_info,
)
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.operation import Operation

import headless_browser
from applications import GITHUB, Key
from faults.kinds import OK
from faults.stage import OPERATOR, OWN_CLIENT, Stage, by_password

ALL = ("entra_roles", "groups", "azure_resources")
APPROVER = "approver@contoso.example"
TRUSTED = "trusted@contoso.example"
GRAPH_COMMAND_LINE_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
FEDERATED = "federated@federated.contoso.example"
_REPORTING = "915d4fbe-60d8-4c71-8eaa-df4280b35e96"
_SECRET = "Sim-reporting-secret-1"
_SUBJECT = "repo:contoso/automation:environment:production"
_FIVE_MINUTES = 310.0

_EASY = {"provider": "entra_roles", "role": "Groups Administrator", "scope": "/"}
_READER = {"provider": "entra_roles", "role": "Security Reader", "scope": "/"}
_USERS = {"provider": "entra_roles", "role": "User Administrator", "scope": "/"}
_STEPPED_UP = {"provider": "entra_roles", "role": "Conditional Access Administrator", "scope": "/"}
_APPROVED = {"provider": "entra_roles", "role": "Privileged Role Administrator", "scope": "/"}
_GROUP = {"provider": "groups", "role": "member", "scope": "Server Admins"}
_BOARD = {"provider": "groups", "role": "member", "scope": "Change Board"}
_AZURE = {
    "provider": "azure_resources",
    "role": "Contributor",
    "scope": "/subscriptions/7b20e9c4-1d5f-4836-9ae7-c04d8f2b6135",
}
_NETWORK = {
    "provider": "azure_resources",
    "role": "Network Contributor",
    "scope": "/subscriptions/a94c3e71-60bd-4f28-8d15-2b7e9f0a4c86",
}
_ACCESS = {
    "provider": "azure_resources",
    "role": "User Access Administrator",
    "scope": "/subscriptions/3f6a1d52-8c07-4b9e-a2d4-5e1f70c8b936",
}
_WHY = {"justification": "a test"}

Roles = tuple[dict[str, str], ...]


class Keys:
    """What applications sign in with."""

    def __init__(self, directory: Path) -> None:
        # Longer than a clock is wrong.
        key = Key(days=30)
        self.token = directory / "federated_token"
        self.token.write_text(key.token(GITHUB, _SUBJECT, seconds=86400), encoding="utf-8")
        self.certificate = directory / "certificate.pem"
        self.certificate.write_text(key.private_pem() + key.certificate_pem, encoding="utf-8")
        public = directory / "public.pem"
        public.write_text(key.certificate_pem, encoding="utf-8")
        self.secrets = key.private_body() | {self.token.read_text(encoding="utf-8")}
        self.service_principals = [
            {
                "name": "Contoso reporting",
                "client_id": _REPORTING,
                "secrets": [{"value": _SECRET}],
                "certificates": [str(public)],
                "federated_credentials": [key.trusted(GITHUB, _SUBJECT)],
                "graph_permissions": [
                    "RoleManagement.Read.Directory",
                    "RoleEligibilitySchedule.Read.Directory",
                    "RoleAssignmentSchedule.Read.Directory",
                ],
            }
        ]


@dataclass(frozen=True)
class Story:
    """``options`` are those of the task, made where its state is there. ``session``: for which providers ``user`` has signed in
    before, None where nobody has. ``prepare`` brings the state about. ``roles``: those the task switches ``on`` (or off).
    ``person``: what somebody does whenever the client waits. ``edge``: what its edge has for it. ``leases``: it belongs to a run.
    ``lag``: it is played once more where lists lag behind. ``ends``: how it ends without a fault; ``later``: what somebody does when
    it is run again. ``like``: the story that has its writes, and what follows them, already; only what is read before is its own.
    ``redeems``: its sign-in gives something that is taken once only.
    """

    name: str
    operation: Operation
    options: Callable[[Stage], Mapping[str, Any]]
    user: str = OPERATOR
    client: str = OWN_CLIENT
    session: tuple[str, ...] | None = ("entra_roles",)
    prepare: Callable[[Stage], None] = lambda _stage: None
    roles: Roles = ()
    on: bool = True
    person: Callable[[Stage], None] | None = None
    edge: Callable[[Stage], Mapping[str, Any]] = lambda _stage: {}
    environ: Callable[[Stage], Mapping[str, str]] = lambda _stage: {}
    leases: bool = False
    lag: bool = False
    ends: str = OK
    like: str | None = None
    later: Callable[[Stage], None] | None = None
    redeems: bool = False

    @property
    def apis(self) -> set[str]:
        """Those that its roles are asked for at."""
        return {"arm" if role["provider"] == "azure_resources" else "graph" for role in self.roles}

    @property
    def renews(self) -> bool:
        return self.name.startswith("renew")

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Provider and role of each of its roles."""
        return [(role["provider"], role["role"]) for role in self.roles]


def _fixed(**options: Any) -> Callable[[Stage], Mapping[str, Any]]:
    return lambda _stage: options


def _activate(name: str, *roles: dict[str, str], session: tuple[str, ...] | None = None, **more: Any) -> Story:
    options = {**_WHY, "roles": [dict(role) for role in roles], **more.pop("options", {})}
    providers = session or tuple(dict.fromkeys(role["provider"] for role in roles))
    return Story(name, activation.OPERATION, _fixed(**options), session=providers, roles=roles, lag=True, **more)


def _deactivate(name: str, *roles: dict[str, str], **more: Any) -> Story:
    providers = tuple(dict.fromkeys(role["provider"] for role in roles))
    options = {"state": "inactive", "roles": [dict(role) for role in roles]}
    return Story(
        name,
        activation.OPERATION,
        _fixed(**options),
        session=providers,
        roles=roles,
        on=False,
        prepare=_switched_on(*roles),
        lag=True,
        **more,
    )


def _switched_on(*roles: dict[str, str], age: float = _FIVE_MINUTES) -> Callable[[Stage], None]:
    """They were activated so long ago."""

    def prepare(stage: Stage) -> None:
        told = stage.perform(activation.OPERATION, {**_WHY, "roles": [dict(role) for role in roles], "duration": "1h"})
        assert not told.result.get("failed"), told.message
        stage.pass_time(age)

    return prepare


def _asked_for(*roles: dict[str, str]) -> Callable[[Stage], None]:
    """Requests for them wait for an approver."""

    def prepare(stage: Stage) -> None:
        options = {**_WHY, "roles": [dict(role) for role in roles], "wait": False}
        told = stage.perform(activation.OPERATION, options)
        assert not told.result.get("failed"), told.message

    return prepare


def _asked_by_operator(*roles: dict[str, str]) -> Callable[[Stage], None]:
    """The same, of another account than the story's."""

    def prepare(stage: Stage) -> None:
        providers = tuple(dict.fromkeys(role["provider"] for role in roles))
        stage.sign_in(OPERATOR, providers, session="operator")
        options = {**_WHY, "roles": [dict(role) for role in roles], "wait": False, "session": "operator"}
        told = stage.perform(activation.OPERATION, options)
        assert not told.result.get("failed"), told.message

    return prepare


def _approves(stage: Stage) -> None:
    for request in stage.requests_of(OPERATOR):
        if request["status"] == "PendingApproval":
            stage.control("POST", f"requests/{request['id']}/decision", {"decision": "approve", "approver": APPROVER})


def _waiting_request(stage: Stage) -> str:
    waiting = [one["id"] for one in stage.requests_of(OPERATOR) if one["status"] != "Denied"]
    return str(waiting[-1])


def _decide(name: str, role: dict[str, str], decision: str) -> Story:
    def options(stage: Stage) -> Mapping[str, Any]:
        return {**_WHY, "request_id": _waiting_request(stage), "provider": role["provider"], "decision": decision}

    return Story(
        name,
        approval.OPERATION,
        options,
        user=APPROVER,
        session=(role["provider"],),
        prepare=_asked_by_operator(role),
        roles=(role,),
    )


def _enters_code(stage: Stage) -> None:
    for code in stage.control("GET", "device_codes")["device_codes"]:
        if code["status"] == "pending":
            decision = {"decision": "approve", "username": OPERATOR}
            stage.control("POST", f"device_codes/{code['user_code']}", decision)


def _browser(stage: Stage) -> Mapping[str, Any]:
    surroundings = {
        "HEADLESS_BROWSER_CA": stage.simulator.ca_path,
        "HEADLESS_BROWSER_USERNAME": OPERATOR,
        "HEADLESS_BROWSER_PASSWORD": "Sim-operator-password-1",
    }

    def browse(address: str) -> None:
        def follow() -> None:
            try:
                headless_browser.browse(address, surroundings)
            except OSError:
                # The client has gone away meanwhile, which its result tells.
                return

        threading.Thread(target=follow, daemon=True).start()

    return {"browse": browse, "terminal": True}


def _given_back(name: str, *roles: dict[str, str], gone: bool = False, like: str | None = None) -> Story:
    def prepare(stage: Stage) -> None:
        stage.begin_run()
        _switched_on(*roles)(stage)
        if gone:
            stage.end_run()

    options = {"leftovers": True} if gone else {}
    providers = tuple(dict.fromkeys(role["provider"] for role in roles))
    return Story(
        name,
        giving_back.OPERATION,
        _fixed(**options),
        session=providers,
        roles=roles,
        on=False,
        prepare=prepare,
        lag=True,
        like=like,
    )


def _connect(name: str, providers: tuple[str, ...] = ("entra_roles",), **more: Any) -> Story:
    options = more.pop("options")
    made = options if callable(options) else _fixed(**options)

    def complete(stage: Stage) -> Mapping[str, Any]:
        return {"providers": list(providers), "login_timeout": 60, **made(stage)}

    return Story(name, connect.OPERATION, complete, session=None, **more)


def _an_hour_later(stage: Stage) -> None:
    stage.pass_time(4000.0)


def stories(keys: Keys) -> list[Story]:
    """All of them; one that has another's calls comes after it."""
    application = {"client_id": _REPORTING}
    return [
        # sign-ins
        _connect("connect by password", ("entra_roles", "azure_resources"), options=by_password(OPERATOR)),
        _connect("connect by password of a federated domain", options=by_password(FEDERATED)),
        _connect("connect by device code", options={"auth_method": "device_code"}, person=_enters_code, redeems=True),
        _connect("connect by browser", options={"auth_method": "interactive"}, edge=_browser, redeems=True),
        _connect(
            "connect by secret", options={**application, "auth_method": "client_secret", "client_secret": _SECRET}
        ),
        _connect(
            "connect by certificate",
            options={**application, "auth_method": "certificate", "certificate_path": str(keys.certificate)},
        ),
        _connect(
            "connect by workload identity",
            options={**application, "auth_method": "workload_identity", "federated_token_file": str(keys.token)},
        ),
        _connect(
            "connect by managed identity",
            options={"auth_method": "managed_identity"},
            environ=lambda stage: stage.simulator.managed_identity_environment,
        ),
        # looks
        Story("roles of all providers", role_info.OPERATION, _fixed(providers=list(ALL)), session=ALL),
        Story(
            "a role with its policy",
            role_info.OPERATION,
            _fixed(providers=["entra_roles", "azure_resources"], roles=["Contributor"], include_policy=True),
            session=ALL,
        ),
        Story(
            "roles of somebody else",
            role_info.OPERATION,
            _fixed(principal=OPERATOR),
            user="administrator@contoso.example",
            client=GRAPH_COMMAND_LINE_TOOLS,
        ),
        Story(
            "roles after the token's end",
            role_info.OPERATION,
            _fixed(providers=["entra_roles"]),
            prepare=_an_hour_later,
        ),
        Story(
            "own requests",
            request_info.OPERATION,
            _fixed(providers=list(ALL)),
            session=ALL,
            prepare=_asked_for(_APPROVED, _BOARD, _ACCESS),
        ),
        Story(
            "requests to decide",
            request_info.OPERATION,
            _fixed(**{"as": "approver", "providers": list(ALL)}),
            user=APPROVER,
            session=ALL,
            prepare=_asked_by_operator(_APPROVED, _ACCESS),
        ),
        Story(
            "a token for the work",
            access_token.OPERATION,
            _fixed(resource="https://graph.microsoft.com"),
            prepare=_switched_on(_EASY, age=2.0),
        ),
        # activations
        _activate("activate an Entra role", _EASY),
        _activate("activate a group", _GROUP),
        _activate("activate an Azure role", _AZURE),
        _activate("activate as long as may be", _READER, options={"duration": "max"}, like="activate an Entra role"),
        _activate("activate three Entra roles", _EASY, _READER, _USERS),
        _activate("activate of all providers", _READER, _GROUP, _AZURE),
        _activate("activate with approval", _APPROVED, person=_approves),
        _activate("activate an Azure role with approval", _ACCESS, person=_approves),
        _activate(
            "give up waiting for approval",
            _APPROVED,
            options={"wait_timeout": 20},
            ends="wait_timeout",
            later=_approves,
        ),
        _activate("activate with step-up", _STEPPED_UP, user=TRUSTED),
        _activate("activate without waiting", _USERS, options={"wait": False}),
        _activate("elevate", _EASY, _AZURE, leases=True),
        _activate(
            "renew an Entra role",
            _EASY,
            prepare=_switched_on(_EASY, age=1900.0),
            options={"minimum_remaining": "45m"},
        ),
        _activate(
            "renew an Azure role",
            _AZURE,
            prepare=_switched_on(_AZURE, age=1900.0),
            options={"minimum_remaining": "45m"},
        ),
        # ends
        _deactivate("end an Entra role", _READER),
        _deactivate("end a group", _GROUP),
        _deactivate("end an Azure role", _AZURE),
        _deactivate("end of all providers", _READER, _GROUP, _AZURE),
        Story(
            "withdraw a request",
            activation.OPERATION,
            _fixed(state="inactive", role=_APPROVED["role"]),
            prepare=_asked_for(_APPROVED),
            roles=(_APPROVED,),
            on=False,
        ),
        Story(
            "withdraw an Azure request",
            activation.OPERATION,
            _fixed(state="inactive", roles=[_ACCESS]),
            session=("azure_resources",),
            prepare=_asked_for(_ACCESS),
            roles=(_ACCESS,),
            on=False,
        ),
        _given_back("give back", _EASY, _AZURE),
        _given_back("give leftovers back", _READER, _NETWORK, gone=True, like="give back"),
        # decisions
        _decide("approve an Entra role", _APPROVED, "approve"),
        _decide("approve a group", _BOARD, "approve"),
        _decide("deny an Azure role", _ACCESS, "deny"),
    ]
