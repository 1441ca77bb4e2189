# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential type for Automation Platform: what is in its files, and jobs that run with just what it injects."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection_options import connection_spec
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from applications import Key
from examples import headless, playbooks
from integration import leaks
from simulator_process import Simulator, read_tenant
from tools import layout

_PLACE = layout.ROOT / "extensions" / "automation_platform"
_INPUTS: dict[str, Any] = yaml.safe_load((_PLACE / "inputs.yml").read_text(encoding="utf-8"))
_INJECTORS: dict[str, Any] = yaml.safe_load((_PLACE / "injectors.yml").read_text(encoding="utf-8"))
_FIELDS: dict[str, dict[str, Any]] = {field["id"]: field for field in _INPUTS["fields"]}
_TENANT = read_tenant()
_REPORTING = _TENANT["service_principals"][0]
_MACHINE = _TENANT["managed_identities"][0]
_OPERATOR = next(user for user in _TENANT["users"] if user["username"] == "operator@contoso.example")
_KEY_PASSWORD = "Sim-password-of-a-private-key-1"
_CONNECTION_PLUGINS = layout.ROOT / "tests" / "integration" / "plugins" / "connection"

# What AWX accepts (awx/main/fields.py: CredentialTypeInputField, CredentialTypeInjectorField).
_KEYS_OF_A_FIELD = {
    "id", "type", "label", "help_text", "secret", "multiline", "format", "choices", "default", "ask_at_runtime",
}  # fmt: skip
_NAME = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
_FILE_LABEL = re.compile(r"template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?")


# What is in the files


def test_inputs_are_what_awx_accepts():
    assert set(_INPUTS) <= {"fields", "required"}
    assert len(_FIELDS) == len(_INPUTS["fields"])
    labels = [field["label"] for field in _INPUTS["fields"]]
    assert len(set(labels)) == len(labels)
    for name, field in _FIELDS.items():
        assert set(field) <= _KEYS_OF_A_FIELD
        assert _NAME.fullmatch(name)
        assert name not in ("tower", "awx")
        assert field["type"] == "string"
        assert field.get("default") in (None, *field.get("choices", []))


def test_injectors_are_what_awx_accepts():
    """AWX renders each template with made-up values, and refuses a name that is no field."""
    assert set(_INJECTORS) <= {"file", "env", "extra_vars"}
    assert all(_FILE_LABEL.fullmatch(label) for label in _INJECTORS["file"])
    assert all(_NAME.fullmatch(name) and not name.startswith("ANSIBLE_") for name in _INJECTORS["env"])
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    names = {label.partition(".")[2]: "EXAMPLE_FILENAME" for label in _INJECTORS["file"]}
    values = {**dict.fromkeys(_FIELDS, "EXAMPLE"), "tower": SimpleNamespace(filename=SimpleNamespace(**names))}
    for template in [*_INJECTORS["file"].values(), *_INJECTORS["env"].values()]:
        assert "EXAMPLE" in environment.from_string(template).render(**values)


def test_secrets_are_kept_as_such():
    """As the modules have it; a certificate is one here because its private key stands beside it."""
    spec = connection_spec()
    secret = {name for name, field in _FIELDS.items() if field.get("secret")}
    assert secret == {name for name in _FIELDS if spec.get(name, {}).get("no_log")} | {"certificate"}
    # They would be shown with the job.
    assert "extra_vars" not in _INJECTORS


def test_every_variable_is_one_of_an_option():
    options = {f"ENTRA_PIM_{option.upper()}" for option in connection_spec()}
    assert set(_INJECTORS["env"]) <= options


def test_choices_are_those_of_the_option():
    for name, field in _FIELDS.items():
        if "choices" in field:
            assert set(field["choices"]) <= set(connection_spec()[name]["choices"])


def test_the_guide_says_what_becomes_of_each_field():
    told = headless.rows("### The credential type")
    assert list(told) == list(_FIELDS)
    for field, cell in told.items():
        (variable,) = re.findall(r"`(ENTRA_PIM_\w+)`", cell)
        assert re.search(rf"\b{field}\b", _INJECTORS["env"][variable])
        assert (f"template.{field}" in _INJECTORS["file"]) == ("a file of the job" in cell)


def test_every_field_is_used_by_some_account():
    text = headless.section("### The credential type")
    accounts = text[text.index("| signs in as |") :]
    assert set(_FIELDS) - {"cloud"} == set(re.findall(r"`(\w+)`", accounts))


# What jobs do with it


def injected(values: dict[str, str], private_data: Path) -> dict[str, str]:
    """The environment of a job with a credential of this type, as AWX makes it (awx_plugins, ``inject_credential``).

    Fields that are not filled in are not there at all, and Jinja renders them as nothing.
    """
    assert set(values) <= set(_FIELDS)
    namespace: dict[str, Any] = {name: field["default"] for name, field in _FIELDS.items() if "default" in field}
    namespace.update({name: value for name, value in values.items() if value})
    environment = ImmutableSandboxedEnvironment()
    names = {}
    for label, template in _INJECTORS["file"].items():
        handle, path = tempfile.mkstemp(dir=private_data)
        with os.fdopen(handle, "w") as file:
            file.write(environment.from_string(template).render(**namespace))
        Path(path).chmod(0o600)
        names[label.partition(".")[2]] = path
    namespace["tower"] = SimpleNamespace(filename=SimpleNamespace(**names))
    return {name: environment.from_string(text).render(**namespace) for name, text in _INJECTORS["env"].items()}


@dataclass
class Account:
    """What is filled in, the secrets in it, and how the session has to look that comes of it."""

    values: dict[str, str]
    secrets: list[str]
    method: str
    principal_type: str


def _accounts(key: Key) -> dict[str, Account]:
    tenant = {"tenant": "contoso.example"}
    application = {**tenant, "client_id": _REPORTING["client_id"]}
    certificate = key.private_pem(_KEY_PASSWORD) + key.certificate_pem
    secret = _REPORTING["secrets"][0]["value"]
    password = _OPERATOR["password"]
    return {
        "client_secret": Account(
            {**application, "client_secret": secret}, [secret], "client_secret", "service_principal"
        ),
        "certificate": Account(
            {**application, "certificate": certificate, "certificate_password": _KEY_PASSWORD},
            [_KEY_PASSWORD, *key.private_body(), *certificate.splitlines()[1:-1]],
            "certificate",
            "service_principal",
        ),
        "certificate_without_password": Account(
            {**application, "certificate": key.certificate_pem + key.private_pem()},
            [*key.private_body()],
            "certificate",
            "service_principal",
        ),
        "password": Account(
            {**tenant, "username": _OPERATOR["username"], "password": password}, [password], "password", "user"
        ),
        "managed_identity": Account({"auth_method": "managed_identity"}, [], "managed_identity", "service_principal"),
        "device_code": Account({**tenant, "auth_method": "device_code"}, [], "device_code", "user"),
    }


@pytest.fixture(scope="module")
def key():
    """Of the application."""
    return Key()


@pytest.fixture(scope="module")
def simulator(key):
    application = {**_REPORTING, "certificates": [key.certificate_pem]}
    # To look somebody up by name.
    machine = {**_MACHINE, "graph_permissions": [*_MACHINE["graph_permissions"], "User.Read.All"]}
    applications = {"service_principals": [application], "managed_identities": [machine]}
    with Simulator(changes={**playbooks.UNATTENDED, **applications}) as running:
        yield running


@pytest.fixture
def job(simulator, tmp_path):
    """Runs the job of the guide with a credential: its output at `-vvv`. All of its files are below ``tmp_path``."""
    for name in ("project", "env", "state", "tmp"):
        (tmp_path / name).mkdir()
    playbook = tmp_path / "project" / "job.yml"
    playbook.write_text(headless.block("## The playbook of the examples", "yaml"))
    inventory = tmp_path / "project" / "inventory.yml"

    def run(edge: str, values: dict[str, str]) -> str:
        local = {"ansible_connection": "local" if edge == "controller" else "loop"}
        host = {"localhost": {**local, "ansible_python_interpreter": sys.executable}}
        inventory.write_text(json.dumps({"all": {"hosts": host}}))
        environment = {
            **os.environ,
            **simulator.environment,
            # The machine that the job runs on has an identity, whatever the credential is.
            **simulator.managed_identity_environment,
            **injected(values, tmp_path / "env"),
            "ANSIBLE_CONNECTION_PLUGINS": str(_CONNECTION_PLUGINS),
            "ANSIBLE_LOG_PATH": str(tmp_path / "log"),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        return playbooks.run(playbook, environment, "-vvv", "-i", str(inventory))

    return run


_KINDS = ["client_secret", "certificate", "certificate_without_password", "password", "managed_identity"]


@pytest.mark.parametrize(
    ("kind", "edge"),
    # A code is shown by the controller only.
    [*((kind, edge) for kind in _KINDS for edge in ("controller", "module")), ("device_code", "controller")],
)
def test_job(simulator, key, job, tmp_path, kind, edge):
    simulator.control("POST", "reset")
    account = _accounts(key)[kind]
    output = job(edge, account.values)
    assert "Directory Readers, Guest Inviter" in output
    (session,) = (tmp_path / "state" / "entra-pim").glob("*.json")
    kept = json.loads(session.read_text())
    assert session.name == "job.json"
    assert (kept["auth_method"], kept["principal_type"]) == (account.method, account.principal_type)
    # Signed in once, for two tasks.
    assert len([call for call in simulator.calls("/token$") if call["status"] == 200]) == 1
    header = simulator.managed_identity_environment["IDENTITY_HEADER"]
    secrets = {header, *account.secrets, *(token["access_token"] for token in kept["tokens"].values())}
    assert not leaks.leaks(output.encode(), secrets)
    for name in ("log", "project", "state", "tmp"):
        place = tmp_path / name
        found = leaks.leaks_below(place, secrets) if place.is_dir() else leaks.leaks(place.read_bytes(), secrets)
        assert not found


def test_device_code_stands_in_the_output_of_the_job(key, job):
    """Of both streams together, as the job's log has it."""
    output = job("controller", _accounts(key)["device_code"].values)
    assert re.search(r"^To sign in, open https://\S+ in a browser and enter the code [A-Z0-9]{9}", output, re.MULTILINE)
    assert output.index("To sign in, open") < output.index("Look at an account")
