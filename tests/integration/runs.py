# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a target over one edge: ansible-playbook with its own simulator, its own directory, and nothing of the user's."""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.release import __version__ as core_version

from integration import keys
from simulator_process import Simulator, read_tenant
from tools import layout
from tools.lanes import LANES
from tools.venvs import lane_venv

HERE = Path(__file__).resolve().parent
TARGETS = HERE / "targets"
EDGES = ("controller", "module")
LIMIT_SECONDS = 300.0
_numbers = itertools.count()


@dataclass
class Outcome:
    """What a run left: exit status, both streams, results by task, and every secret that was in play."""

    target: str
    edge: str
    directory: Path
    status: int
    output: str
    records: list[dict[str, Any]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set, repr=False)

    def failures(self) -> str:
        """The tasks that failed, in a few lines each."""
        told = []
        for record in self.records:
            if record["status"] in ("failed", "unreachable"):
                results = record["result"].get("results")
                bad = [record["result"]] if results is None else [one for one in results if one.get("failed")]
                told += [f"{record['name']}: {one.get('assertion', '')} {one.get('msg')}" for one in bad[:3]]
        return "\n".join(told)

    def of_our_modules(self) -> list[dict[str, Any]]:
        return [record for record in self.records if record["action"].startswith("entra.pim.")]


def names() -> list[str]:
    """The targets there are."""
    return sorted(path.name for path in TARGETS.iterdir() if (path / "tasks").is_dir())


def only_some() -> bool:
    """Whether this is the newest ansible-core, and the oldest is there too.

    The operations are the same code with each of them. The oldest runs everything, so that the newest needs only what differs
    between them: each module once over each edge, and what the screen shows.
    """
    return core_version.startswith(f"{LANES[-1].core}.") and lane_venv(LANES[0]) is not None


def edges(target: str) -> tuple[str, ...]:
    """The edges that ``target`` is run over with this ansible-core."""
    return () if only_some() and not settings(target).get("in_every_lane") else EDGES


def modules_of(target: str) -> list[str]:
    """The modules of the collection that its tasks name, one for each task."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((TARGETS / target / "tasks").glob("*.yml"))]
    return re.findall(r"^ *(?:- )?entra\.pim\.(\w+):", "\n".join(texts), re.MULTILINE)


def passwords() -> dict[str, str]:
    """Environment variables with the secrets of the simulator's tenant, and one that is wrong everywhere.

    ``PASSWORD_OF_OPERATOR`` for operator@..., ``SECRET_OF_REPORTING`` for the application "Contoso reporting".
    """
    tenant = read_tenant()
    found = {f"PASSWORD_OF_{_first_word(user['username'])}": user["password"] for user in tenant["users"]}
    for application in tenant["service_principals"]:
        name = application["name"].split()[-1].upper()
        for number, secret in enumerate(application["secrets"]):
            found[f"SECRET_OF_{name}" if number == 0 else f"EXPIRED_SECRET_OF_{name}"] = secret["value"]
    return {**found, "WRONG_SECRET": f"wrong-{secrets.token_hex(16)}"}


def _first_word(username: str) -> str:
    return username.replace("_", "@").partition("@")[0].upper()


def settings(target: str) -> dict[str, Any]:
    """What a target wants otherwise: ``tenant`` (keys of the tenant file), ``environment``, ``keys`` (see ``keys.write``),
    ``in_every_lane`` (see ``edges``), ``edges_differ`` (results of the two edges are not compared).

    In ``environment``, $NAME is a secret of above, or a variable of the machine's managed identity; in ``tenant``, it is one of the keys'.
    """
    path = TARGETS / target / "settings.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}


def environment(simulator: Simulator, directory: Path, given: dict[str, str]) -> dict[str, str]:
    """The process environment of a run: everything Ansible writes goes below ``directory``."""
    own = directory / "ansible"
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        **simulator.environment,
        "ANSIBLE_ACTION_PLUGINS": str(HERE / "plugins" / "action"),
        "ANSIBLE_ASYNC_DIR": str(own / "async"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "plugins" / "callback"),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "plugins" / "connection"),
        "ANSIBLE_HOME": str(own),
        "ANSIBLE_LOG_PATH": str(directory / "log"),
        # Faster; the target "edges" does without, so that a module's file with its secrets lies on the disk for a while.
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_REMOTE_TMP": str(own / "remote_tmp"),
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_ROLES_PATH": str(TARGETS),
        "PYTHONPATH": str(layout.KEPT_CODE),
        "RECORD_FILE": str(directory / "results"),
        "RECORD_SESSIONS": str(directory),
        "RECORD_TOKENS": str(tokens_file(directory)),
        "SIMULATOR_JSON": str(simulator.run_dir / "simulator.json"),
        "TMPDIR": str(_short(directory / "tmp")),
        "XDG_STATE_HOME": str(directory / "state"),
    }
    known = passwords()
    variables.update(known)
    known.update(simulator.managed_identity_environment)
    variables.update({name: known[value[1:]] if value.startswith("$") else value for name, value in given.items()})
    return variables


def _short(directory: Path) -> Path:
    """A link to the directory, below ``.build/t``: ansible-core 2.21 puts a socket there, whose path holds 107 characters."""
    links = layout.BUILD / "t"
    links.mkdir(exist_ok=True)
    for link in links.iterdir():
        if not link.exists():
            # Of a run whose directory pytest has removed; another process may be quicker.
            link.unlink(missing_ok=True)
    link = links / f"{os.getpid()}-{next(_numbers)}"
    link.symlink_to(directory)
    return link


def tokens_file(directory: Path) -> Path:
    """Beside the directory of the run, because that is searched for secrets."""
    return directory.with_name(f"{directory.name}.tokens")


def command(target: str, edge: str, directory: Path, verbosity: str = "-vvv") -> list[str]:
    playbook = [str(Path(sys.prefix) / "bin" / "ansible-playbook"), str(HERE / "run_target.yml"), verbosity]
    variables = ["-e", f"target={target} run_dir={directory}", "-e", f"@{directory / 'vaulted.yml'}"]
    return [*playbook, "-i", str(HERE / "inventory.yml"), "--limit", edge, *variables]


def write_vaulted(directory: Path) -> Path:
    """``vaulted_password``: the operator's, encrypted in the text of a variable; returns the file with the vault's password."""
    password_file = directory.with_name(f"{directory.name}.vault")
    password_file.write_text(secrets.token_hex(16), encoding="utf-8")
    vault = VaultLib([("default", VaultSecret(password_file.read_bytes()))])
    encrypted = vault.encrypt(passwords()["PASSWORD_OF_OPERATOR"]).decode()
    indented = "".join(f"  {line}\n" for line in encrypted.splitlines())
    (directory / "vaulted.yml").write_text(f"vaulted_password: !vault |\n{indented}", encoding="utf-8")
    return password_file


def run(target: str, edge: str, directory: Path, verbosity: str = "-vvv") -> Outcome:
    """Runs the target to its end."""
    (directory / "tmp").mkdir(parents=True)
    # One that has not signed the simulator's certificate.
    trustme.CA().cert_pem.write_to_path(directory / "another_ca.pem")
    password_file = write_vaulted(directory)
    wanted = settings(target)
    # Beside the directory of the run, because that is searched for secrets.
    of_keys = keys.write(directory.with_name(f"{directory.name}.keys")) if wanted.get("keys") else {}
    with Simulator(changes=_filled(wanted.get("tenant"), of_keys)) as simulator:
        variables = {**environment(simulator, directory, wanted.get("environment", {})), **of_keys}
        variables["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password_file)
        try:
            done = subprocess.run(
                command(target, edge, directory, verbosity),
                cwd=directory,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=LIMIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            output = (error.stdout or b"").decode(errors="replace") if isinstance(error.stdout, bytes) else ""
            return Outcome(target, edge, directory, -1, f"{output}\nended after {LIMIT_SECONDS} s")
    return Outcome(
        target,
        edge,
        directory,
        done.returncode,
        done.stdout,
        records(directory),
        {*passwords_in(variables), *recorded_tokens(directory)},
    )


def _filled(content: Any, values: dict[str, str]) -> Any:
    """The same with each text $NAME replaced."""
    if isinstance(content, dict):
        return {key: _filled(value, values) for key, value in content.items()}
    if isinstance(content, list):
        return [_filled(value, values) for value in content]
    return values[content[1:]] if isinstance(content, str) and content.startswith("$") else content


def passwords_in(variables: dict[str, str]) -> set[str]:
    return {
        value
        for name, value in variables.items()
        if "PASSWORD_OF" in name or "SECRET" in name or name == "IDENTITY_HEADER"
    }


def records(directory: Path) -> list[dict[str, Any]]:
    """What each task gave, in order."""
    return _lines(directory / "results")


def recorded_tokens(directory: Path) -> list[str]:
    """The tokens that lay in session files after any task."""
    return [str(token) for token in _lines(tokens_file(directory))]


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
