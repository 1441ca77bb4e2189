# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's own time goes by what it loads: a task with a live token loads, opens and connects to no more than it needs.

Each task runs in a Python of its own, out of a zip file as a module does, against a real HTTPS server.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_collections.entra.pim.plugins.module_utils._pim as shared
import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token

from unit.clocks import START, FakeClock
from unit.https_server import Behaviour, Request, reply
from unit.operations.directory import Directory, Role
from unit.operations.world import world_of
from unit.state.saved import session

PIM = shared.__name__
ROOM = Path(str(shared.__file__)).parent

TASK = """
import collections, importlib, json, sys, time
archive, operation, options, start = sys.argv[1:]
sys.path.insert(0, archive)
seen = collections.defaultdict(list)
sys.addaudithook(lambda event, told: event in ("open", "socket.connect") and seen[event].append(str(told[0])))
PIM = "ansible_collections.entra.pim.plugins.module_utils._pim."
of = lambda name: importlib.import_module(PIM + name)
task = of("operations." + operation).OPERATION
spec = task.spec()["argument_spec"]
params = {name: option.get("default") for name, option in spec.items()} | json.loads(options)
# No clock that runs: the token is as young as it was made.
clock = of("times").Clock(lambda: float(start), lambda: float(start), time.sleep)
context = of("operations.context").Context(clock=clock, environ={"HOME": "/"})
result = of("operations.performing").perform(task, params, context)
print(json.dumps({"result": result, "loaded": sorted(sys.modules), **seen}))
"""

# What only signs in, steps up, holds leases or tells of approvers, and the providers that are not asked for.
NOT_NEEDED = {
    *(f"sign_in.{name}" for name in ("client", "signing_in", "step_up", "request", "token_answers", "federation")),
    *("sign_in.loopback", "sign_in.echoes", "sign_in.methods.device_code"),
    *(f"operations.{name}" for name in ("leasing", "leftovers", "giving_back", "connect")),
    *(f"operations.{name}" for name in ("notices", "approver_words", "requests", "approval")),
    *("plans.leases", "plans.approval", "state.runs", "state.keeper"),
    *("providers.groups", "providers.azure_resources"),
}
# Of others; an empty module loads none of these.
NOT_NEEDED_OF_OTHERS = {"msal", "concurrent.futures", "difflib", "http.server", "xml.etree.ElementTree"}
FOR_CALLS = {"requests", "urllib3"}


@dataclass
class Task:
    """What one task loaded (names below `_pim`, and names of others), opened in the session directory and connected to."""

    result: dict[str, Any]
    own: set[str]
    others: set[str]
    opened: Counter[str]
    connections: int


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """The collection as a module has it."""
    path = tmp_path_factory.mktemp("zip") / "module.zip"
    place = "ansible_collections/entra/pim/plugins/module_utils/"
    with zipfile.ZipFile(path, "w") as content:
        for end in [at for at, character in enumerate(place) if character == "/"]:
            content.writestr(f"{place[:end]}/__init__.py", "")
        for source in ROOM.rglob("*.py"):
            content.write(source, f"{place}{source.relative_to(ROOM.parent)}")
    return path


@pytest.fixture
def task(archive, server, ca_path, tmp_path):
    """Runs an operation with options, for an account that is signed in and eligible for one role."""
    directory = tmp_path / "state"
    fake = FakeClock()
    token = Token("a-token", START, START + 3600, [])
    Sessions(str(directory), fake.clock).save(
        session(
            tokens={"graph": token}, scopes={"graph": []}, graph_url=server.url, ca_path=ca_path, refresh_token=None
        )
    )
    service = Directory(fake, [Role("Reader")])

    def respond(request: Request) -> Behaviour:
        answer = service.send(request.method, request.target, json_body=json.loads(request.body or "null"))
        return reply(answer.status, answer.body)

    server.respond = respond

    def run(operation: str, packages: str = "", **options: Any) -> Task:
        given = json.dumps({"session_dir": str(directory), **options})
        done = subprocess.run(
            [sys.executable, "-c", TASK, str(archive), operation, given, str(START)],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.defpath, "PYTHONPATH": packages},
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        own = {name.removeprefix(f"{PIM}.") for name in told["loaded"] if name.startswith(f"{PIM}.")}
        opened = [Path(name).name for name in told.get("open", []) if name.startswith(str(directory))]
        return Task(
            result=told["result"],
            own=own,
            others=set(told["loaded"]),
            opened=Counter(opened),
            connections=server.connections,
        )

    return run


def test_an_activation(task):
    done = task("activation", provider="entra_roles", role="Reader")
    assert done.result["changed"], done.result
    assert "sign_in.access" in done.own
    assert not done.own & NOT_NEEDED
    assert not done.others & NOT_NEEDED_OF_OTHERS
    assert done.connections == 1
    # Read to work with, and under its lock to note the activation.
    assert done.opened["default.json"] == 2
    # Before, with the intent and with the outcome; each of the two opens it to read and to add.
    assert done.opened["journal.jsonl"] == 5


def test_the_roles_of_an_account(task):
    done = task("role_info")
    assert [row["role"] for row in done.result["roles"]] == ["Reader"]
    assert "sign_in.access" in done.own
    assert not done.own & {*NOT_NEEDED, "operations.submission", "operations.waiting"}
    assert not done.others & NOT_NEEDED_OF_OTHERS
    assert done.connections == 1
    assert done.opened == {"default.json": 1}


def test_the_sessions(task):
    """Asks nobody, and so loads nothing that could."""
    done = task("session_info")
    assert done.result["connected"], done.result
    for_it = {"operations.leftovers", "plans.leases", "state.runs", "providers.groups", "providers.azure_resources"}
    assert not done.own & {*NOT_NEEDED - for_it, "transport", "api.base"}
    assert not done.others & {*NOT_NEEDED_OF_OTHERS, *FOR_CALLS}
    assert done.connections == 0
    assert done.opened["default.json"] == 1


@pytest.mark.skipif(importlib.util.find_spec("ansible") is None, reason="an edge needs Ansible")
def test_each_source_is_compiled_once(archive):
    program = f"""
import json, sys
compiled = []
sys.addaudithook(lambda event, told: event == "compile" and compiled.append(str(told[1])))
sys.path.insert(0, {str(archive)!r})
import {PIM}.module_edge, {PIM}.operations.activation, {PIM}.providers.entra_roles
print(json.dumps([name for name in compiled if name.startswith({str(archive)!r})]))
"""
    compiled = Counter(name.partition("_pim/")[2] for name in in_another(program))
    assert len(compiled) > 50
    # What comes before it can be seen to, and the packages above.
    assert {name for name, times in compiled.items() if times > 1} == {
        "",
        "__init__.py",
        "module_edge.py",
        "compiled_once.py",
    }


@pytest.mark.parametrize("operation", ["role_info", "activation"])
def test_a_package_that_cannot_be_loaded_is_named(task, tmp_path, operation):
    """requests is there, and lacks a package of its own."""
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests" / "__init__.py").write_text("import idna_of_nobody\n")
    done = task(operation, packages=str(tmp_path), **({"role": "Reader"} if operation == "activation" else {}))
    assert done.result["failure"]["code"] == "missing_dependency"
    assert sys.executable in done.result["msg"]
    assert "requests" in done.result["msg"]
    assert done.connections == 0


@pytest.mark.parametrize("package", ["requests", "msal"])
def test_a_package_that_is_not_there_is_named(tmp_path, monkeypatch, package):
    here = world_of(str(tmp_path / "state"), Role("Reader"))
    monkeypatch.setitem(sys.modules, package, None)
    result = here.run(role="Reader")
    assert result["failure"]["code"] == "missing_dependency"
    assert f"{sys.executable} lacks the Python packages {package}" in result["msg"]
    assert here.directory.calls == 0


def in_another(program: str) -> Any:
    """What a Python of its own prints, as JSON."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def imported_in(module: str) -> set[str]:
    """The modules below `_pim` that a module below `_pim` imports, inside its functions too."""
    package = module.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse((ROOM / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            names = [".".join(filter(None, [*base, *more])) for more in ([], *([one.name] for one in node.names))]
            found |= {name for name in names if (ROOM / f"{name.replace('.', '/')}.py").is_file()}
    return found


@pytest.mark.skipif(importlib.util.find_spec("ansible") is None, reason="an edge needs Ansible")
@pytest.mark.parametrize("operation", ["pim_role_activation", "pim_connect", "pim_session_info"])
def test_the_controller_loads_all_of_it_in_the_parent(operation):
    """What a fork imports is forgotten with it, and the next one imports it again."""
    action = f"ansible_collections.entra.pim.plugins.action.{operation}"
    loaded = in_another(f"import json, sys, {action}; print(json.dumps(list(sys.modules)))")
    own = {name.removeprefix(f"{PIM}.") for name in loaded if name.startswith(f"{PIM}.")}
    files = {name for name in own if (ROOM / f"{name.replace('.', '/')}.py").is_file()}
    assert len(files) > 50
    assert {later for name in files for later in imported_in(name)} - own == set()
    assert "msal" not in loaded


@pytest.mark.skipif(importlib.util.find_spec("ansible") is None, reason="an edge needs Ansible")
def test_the_controller_reads_the_standard_authorities_in_the_parent():
    """OpenSSL itself is at work for a while when it is first used, too."""
    program = f"""
import json, ssl, time
from ansible_collections.entra.pim.plugins.action import pim_role_info
from {PIM}.times import Clock
from {PIM}.transport import Transport
read = []
ssl.SSLContext.load_verify_locations = lambda *places, **named: read.append(places)
for _task in range(2):
    Transport(clock=Clock(time.time, time.monotonic, time.sleep), environ={{}}, http_timeout=1.0)
print(json.dumps(len(read)))
"""
    assert in_another(program) == 0


def test_each_can_be_imported_first():
    """No circle, whoever comes first."""
    names = sorted(
        ".".join(path.relative_to(ROOM).with_suffix("").parts) for path in ROOM.rglob("*.py") if path.stem != "__init__"
    )
    names.remove("module_edge")
    program = f"""
import importlib, json, sys
failed = {{}}
for name in {names}:
    for loaded in [one for one in sys.modules if one.startswith({PIM!r})]:
        del sys.modules[loaded]
    try:
        importlib.import_module({PIM!r} + "." + name)
    except Exception as error:
        failed[name] = repr(error)
print(json.dumps(failed))
"""
    assert in_another(program) == {}


def test_what_was_written_is_told_where_an_import_fails_afterwards(tmp_path, monkeypatch):
    """Such as of a module whose files are removed while it waits."""
    here = world_of(str(tmp_path / "state"), Role("A"), Role("B"))
    request = here.directory._request

    def refuse_the_second(body):
        if body["roleDefinitionId"] == "id-b":
            code = "RoleAssignmentRequestPolicyValidationFailed"
            return 400, {"error": {"code": code, "message": 'The following policy rules failed: ["MfaRule"]'}}
        return request(body)

    here.directory._request = refuse_the_second
    monkeypatch.setitem(sys.modules, f"{PIM}.sign_in.step_up", None)
    result = here.run(roles=[{"role": "A"}, {"role": "B"}])
    assert result["failed"]
    assert [one["role"] for one in result["activated"]] == ["A"]
    assert "failure" not in result["roles"][0]
    assert result["roles"][1]["failure"]["code"] == "unexpected"
    assert "The step-up" in result["msg"]
    assert [line["outcome"] for line in here.journal() if line["event"] == "outcome"] == ["accepted", "refused"]
