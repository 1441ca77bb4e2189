# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells of the matrix of sign-ins: what each method is given in each column. What comes of it is in expected.yml."""

from __future__ import annotations

import json
import os
import secrets
import socket
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from applications import GITHUB, Key
from integration import runs
from simulator_process import Simulator, read_tenant

PLACE = runs.HERE / "sign_in_matrix"
EXPECTED: dict[str, dict[str, str]] = yaml.safe_load((PLACE / "expected.yml").read_text(encoding="utf-8"))
COLUMNS = tuple(EXPECTED["device_code"])
# Somebody has to see the code or the browser: refused where a task runs as a module.
SCREEN = ("device_code", "interactive")

# It takes a minute or so; many times that where the machine has much else to do.
_LIMIT_SECONDS = 600.0
_OPERATOR = "operator@contoso.example"
_FEDERATED = "federated@federated.contoso.example"
_OWN_CLIENT = "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52"
_WITHOUT_CONSENT = "7f3b2d9c-4eb6-4a5f-8c88-bd206e913c74"
_REPORTING = "915d4fbe-60d8-4c71-8eaa-df4280b35e96"
_RESOURCES = {"GRAPH": "https://graph.microsoft.com", "ARM": "https://management.azure.com"}
_SUBJECTS = {
    "right": "repo:contoso/automation:environment:production",
    "wrong": "repo:contoso/automation:pull_request",
}
# An application without one of the permissions that the collection needs.
_POWERLESS_MACHINE = "5e9d27c4-08b3-4f61-9a7d-c1e46b3f8d02"
_NO_IDENTITY = "0f3b8a5d-91c6-4e27-b4da-6d5e20c7f198"
_POWERLESS: dict[str, Any] = {
    "name": "Contoso powerless",
    "client_id": "c81f5a3e-60b7-4d29-9e14-2f7ad05b8c63",
    "secrets": [{"value": "Sim-powerless-secret-1"}],
    "graph_permissions": ["User.Read.All"],
}


def _secret(name: str) -> str:
    """A secret as a playbook gets it: no value of one is in the inventory."""
    return f"{{{{ lookup('ansible.builtin.env', '{name}') }}}}"


@dataclass
class Row:
    """One method: the options that work, and what is otherwise in a column."""

    options: dict[str, Any]
    wrong: dict[str, Any]
    mfa: dict[str, Any]
    consent: dict[str, Any]
    # Of the person who answers a code.
    person: str | None = None
    # What the environment of the task has otherwise in a column; never a secret.
    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    # An application gets a token without a permission; who lacks it is seen by whoever needs it.
    consent_task: str = "pim_connect"

    def cells(self, closed: str) -> dict[str, dict[str, Any]]:
        changes: dict[str, dict[str, Any]] = {
            "wrong_credential": self.wrong,
            "needs_mfa": self.mfa,
            "needs_consent": self.consent,
            "network_down": {"authority_url": closed},
            "slow": {"http_timeout": 10},
            "too_slow": {"http_timeout": 0.5},
        }
        return {column: self._cell(column, changes.get(column, {})) for column in COLUMNS}

    def _cell(self, column: str, changes: dict[str, Any]) -> dict[str, Any]:
        task = self.consent_task if column == "needs_consent" else "pim_connect"
        around = {**self.environment.get("", {}), **self.environment.get(column, {})}
        cell: dict[str, Any] = {"task": task, "options": {**self.options, **changes}, "environment": around}
        if self.person and column in ("ok", "needs_mfa", "needs_consent", "slow", "throttled"):
            cell["person"] = {"decision": "approve", "username": self.person}
        if self.person and column == "wrong_credential":
            cell["person"] = {"decision": "decline"}
        return cell


class Applications:
    """Certificate and federated token of the run: files outside its directory, because that is searched for secrets."""

    def __init__(self, place: Path) -> None:
        self._key, self._wrong, self._issuer = Key(), Key(), Key()
        self.password = secrets.token_hex(16)
        place.mkdir(mode=0o700)
        self.certificate, self.wrong_certificate = place / "certificate.pem", place / "wrong_certificate.pem"
        self.certificate.write_text(self._key.private_pem(self.password) + self._key.certificate_pem)
        self.wrong_certificate.write_text(self._wrong.private_pem() + self._wrong.certificate_pem)
        self._tokens = {name: self._issuer.token(GITHUB, subject) for name, subject in _SUBJECTS.items()}
        self.token, self.wrong_token = place / "token", place / "wrong_token"
        self.token.write_text(self._tokens["right"])
        self.wrong_token.write_text(self._tokens["wrong"])

    def in_tenant(self) -> list[dict[str, Any]]:
        """The applications of the default tenant; the first one has certificate and issuer as well; and one without permissions."""
        both = {
            "certificates": [self._key.certificate_pem],
            "federated_credentials": [self._issuer.trusted(GITHUB, _SUBJECTS["right"])],
        }
        first, *others = read_tenant()["service_principals"]
        assert first["client_id"] == _REPORTING
        return [{**first, **both}, *others, {**_POWERLESS, **both}]

    @staticmethod
    def identities() -> list[dict[str, Any]]:
        """Those of the machine; one has too few permissions."""
        tenant = read_tenant()
        powerless = {**_POWERLESS, "name": "Contoso powerless machine", "client_id": _POWERLESS_MACHINE}
        del powerless["secrets"]
        return [*tenant["managed_identities"], powerless]

    def secrets(self) -> set[str]:
        return {self.password, *self._key.private_body(), *self._wrong.private_body(), *self._tokens.values()}


def rows(own: Applications, closed: str) -> dict[str, Row]:
    """By method, as in expected.yml. ``closed`` is an address where connections are refused."""
    person = {"tenant": "contoso.example", "username": _OPERATOR}
    password = {**person, "password": _secret("PASSWORD_OF_OPERATOR")}
    application = {"tenant": "contoso.example", "client_id": _REPORTING}
    return {
        "device_code": Row(
            {**person, "auth_method": "device_code"},
            wrong={},
            mfa={},
            consent={"client_id": _WITHOUT_CONSENT},
            person=_OPERATOR,
        ),
        "interactive": Row(
            {**person, "auth_method": "interactive"},
            wrong={},
            mfa={},
            consent={"client_id": _WITHOUT_CONSENT},
            environment={
                "": {"HEADLESS_BROWSER_USERNAME": _OPERATOR},
                "wrong_credential": {"HEADLESS_BROWSER_DECISION": "decline"},
            },
        ),
        "password": Row(
            {**password, "auth_method": "password"},
            wrong={"password": _secret("WRONG_SECRET")},
            mfa={},
            consent={"client_id": _WITHOUT_CONSENT},
        ),
        "password_federated": Row(
            {
                "tenant": "contoso.example",
                "username": _FEDERATED,
                "password": _secret("PASSWORD_OF_FEDERATED"),
                "auth_method": "password",
            },
            wrong={"password": _secret("WRONG_SECRET")},
            mfa={},
            consent={"client_id": _WITHOUT_CONSENT},
        ),
        "client_secret": Row(
            {**application, "auth_method": "client_secret", "client_secret": _secret("SECRET_OF_REPORTING")},
            wrong={"client_secret": _secret("WRONG_SECRET")},
            mfa={"require_mfa": True},
            consent={"client_id": _POWERLESS["client_id"], "client_secret": _secret("SECRET_OF_POWERLESS")},
            consent_task="pim_role_info",
        ),
        "certificate": Row(
            {
                **application,
                "auth_method": "certificate",
                "certificate_path": str(own.certificate),
                "certificate_password": _secret("SECRET_OF_CERTIFICATE"),
            },
            wrong={"certificate_path": str(own.wrong_certificate)},
            mfa={"require_mfa": True},
            consent={"client_id": _POWERLESS["client_id"]},
            consent_task="pim_role_info",
        ),
        "workload_identity": Row(
            {**application, "auth_method": "workload_identity", "federated_token_file": str(own.token)},
            wrong={"federated_token_file": str(own.wrong_token)},
            mfa={"require_mfa": True},
            consent={"client_id": _POWERLESS["client_id"]},
            consent_task="pim_role_info",
        ),
        "managed_identity": Row(
            {"auth_method": "managed_identity"},
            wrong={"client_id": _NO_IDENTITY},
            mfa={"require_mfa": True},
            consent={"client_id": _POWERLESS_MACHINE},
            consent_task="pim_role_info",
            environment={"network_down": {"IDENTITY_ENDPOINT": closed.replace("https", "http")}},
        ),
        "azure_cli": Row(
            {"auth_method": "azure_cli", "providers": ["azure_resources"]},
            wrong={},
            mfa={},
            consent={},
            environment={column: {"AZ_SITUATION": column} for column in COLUMNS},
        ),
        "access_token": Row(
            {"auth_method": "access_token", "access_token": _secret("TOKEN_OF_GRAPH")},
            wrong={"access_token": _secret("WRONG_SECRET")},
            mfa={"require_mfa": True},
            consent={},
        ),
        "auto": Row(
            {**password, "auth_method": "auto"},
            wrong={"password": _secret("WRONG_SECRET")},
            mfa={},
            consent={"client_id": _WITHOUT_CONSENT},
        ),
    }


@dataclass
class Matrix:
    """What the run over one edge left: how each cell ended, the whole output, and every secret that was in play."""

    edge: str
    directory: Path
    status: int
    output: str = field(repr=False)
    cells: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set, repr=False)


def run(edge: str, directory: Path) -> Matrix:
    """All cells over one edge, each method a host, in one ansible-playbook."""
    (directory / "tmp").mkdir(parents=True)
    own = Applications(directory.with_name(f"{directory.name}.applications"))
    changes = {
        "device_login": {"interval": "PT1S"},
        "service_principals": own.in_tenant(),
        "managed_identities": own.identities(),
    }
    with Simulator(changes=changes) as simulator, closed_port() as closed:
        inventory = directory / "inventory.json"
        hosts = {method: {"cells": row.cells(closed)} for method, row in rows(own, closed).items()}
        connection = {"ansible_connection": "local" if edge == "controller" else "loop"}
        variables = {**connection, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
        environment = surroundings(simulator, directory, own)
        command = [str(Path(sys.prefix) / "bin" / "ansible-playbook"), str(PLACE / "play.yml"), "-vvv"]
        done = subprocess.run(
            [*command, "-i", str(inventory), "-e", f"run_dir={directory}", "--forks", str(len(hosts))],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_LIMIT_SECONDS,
            check=False,
        )
    matrix = Matrix(edge, directory, done.returncode, done.stdout)
    for record in runs.records(directory):
        if record["name"] == "Note how it ended":
            cell = record["result"]["msg"]
            matrix.cells[cell["method"], cell["column"]] = cell
    known = {value for name, value in environment.items() if name.startswith(_SECRETS)}
    matrix.secrets = {*known, *own.secrets(), *runs.recorded_tokens(directory)}
    return matrix


_SECRETS = ("PASSWORD_OF", "SECRET_OF", "TOKEN_OF", "WRONG_SECRET", "IDENTITY_HEADER")


def surroundings(simulator: Simulator, directory: Path, own: Applications) -> dict[str, str]:
    """The environment of ansible-playbook: the secrets, the machine's identity, a browser, and programs in place of others."""
    environment = {**runs.environment(simulator, directory, {}), **simulator.managed_identity_environment}
    environment["SECRET_OF_POWERLESS"] = _POWERLESS["secrets"][0]["value"]
    environment["SECRET_OF_CERTIFICATE"] = own.password
    for api, resource in _RESOURCES.items():
        environment[f"TOKEN_OF_{api}"] = token_of_operator(simulator, environment["PASSWORD_OF_OPERATOR"], resource)
    environment["PATH"] = f"{PLACE / 'programs'}{os.pathsep}{environment['PATH']}"
    environment["BROWSER"] = f"{sys.executable} {PLACE / 'programs' / 'browser.py'} %s"
    environment["HEADLESS_BROWSER_CA"] = simulator.ca_path
    return environment


@contextmanager
def closed_port() -> Iterator[str]:
    """An address where connections are refused: somebody has the port, and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"https://localhost:{taken.getsockname()[1]}"


def token_of_operator(simulator: Simulator, password: str, resource: str) -> str:
    """A token that another program obtained: by password, so without a second factor."""
    form = {
        "grant_type": "password",
        "client_id": _OWN_CLIENT,
        "username": _OPERATOR,
        "password": password,
        "scope": f"{resource}/.default",
    }
    request = urllib.request.Request(  # noqa: S310  # https, of the simulator
        f"{simulator.url}/{simulator.tenant_id}/oauth2/v2.0/token", urllib.parse.urlencode(form).encode()
    )
    context = ssl.create_default_context(cafile=simulator.ca_path)
    with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310  # as above
        return str(json.load(answer)["access_token"])
