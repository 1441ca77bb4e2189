# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the session directory, damaged in every way: sessions, the journal, locks, and the directory itself.

No service is there: a session that is taken for sound after all leads nowhere but to `network`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import (
    access_token,
    activation,
    connect,
    giving_back,
    role_info,
    session_info,
)
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.operation import Operation
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.module_utils._pim.plans import leases
from ansible_collections.entra.pim.plugins.module_utils._pim.state.journal import FILE, PRUNED_ABOVE, Journal
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import FORMAT
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz import nasty
from unit.clocks import FakeClock
from unit.state.saved import OID, TENANT, session

_ROLE = {"role": "Groups Administrator", "scope": "/", "provider": "entra_roles"}
# Each operation that opens a session, or looks at what lies beside it.
_TASKS: tuple[tuple[Operation, dict[str, Any]], ...] = (
    (session_info.OPERATION, {}),
    (role_info.OPERATION, {}),
    (activation.OPERATION, {**_ROLE, "justification": "a test"}),
    (giving_back.OPERATION, {"roles": [{**_ROLE, "duration": None}]}),
    (giving_back.OPERATION, {"leftovers": True}),
    (access_token.OPERATION, {"resource": "https://graph.microsoft.com"}),
    (
        connect.OPERATION,
        {"auth_method": "password", "username": "operator@contoso.example", "password": "a-password-of-this-test"},
    ),
    (connect.OPERATION, {"state": "absent"}),
)
_TOKENS = ("an-access-token", "a-refresh-token", "a-password-of-this-test")
_SECONDS = 5.0
_SEEDS = st.integers(0, 2**32)


@contextmanager
def _directory() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="pim-fuzz-"))
    try:
        yield place / "sessions"
    finally:
        for found in place.rglob("*"):
            if found.is_dir() and not found.is_symlink():
                found.chmod(0o700)
        shutil.rmtree(place)


def _saved() -> dict[str, Any]:
    return {"format": FORMAT, **dataclasses.asdict(session())}


def _lines(clock: FakeClock) -> bytes:
    """A journal: two runs that hold a role each, one of which is gone."""
    whose = {
        "tenant_id": TENANT,
        "principal_id": OID,
        "provider": "entra_roles",
        "role": "Groups Administrator",
        "scope": "/",
    }
    lines = []
    for number in range(2):
        run = f"3fa5d2a0-0000-4000-8000-00000000000{number}"
        held = {
            **whose,
            "role_id": run,
            "lease": True,
            "run": run,
            "session": "default",
            "scope_name": None,
            "native": {},
        }
        at = {"at": clock.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")}
        lines.append({**at, "entry": run, "event": "submitting", "action": "activate", **held})
        lines.append({**at, "entry": run, "event": "outcome", "outcome": "accepted", "request_id": run})
        lines.append(
            {
                **at,
                "event": "lease",
                **held,
                "asked_at": at["at"],
                "active_since": at["at"],
                "expires_at": "2030-03-18T01:46:40Z",
            }
        )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _perform(operation: Operation, asked: dict[str, Any], directory: Path, clock: FakeClock) -> dict[str, Any]:
    spec = operation.spec()["argument_spec"]
    options = {name: option.get("default") for name, option in spec.items()}
    options.update(
        {
            "session_dir": str(directory),
            "http_timeout": 1.0,
            "authority_url": "https://localhost:1",
            "tenant": "contoso.example",
        }
    )
    if operation is not connect.OPERATION:
        options.update({"authority_url": None, "tenant": None})
    context = Context(clock=clock.clock, environ={"HOME": str(directory), "PATH": os.environ["PATH"]})
    started = time.monotonic()
    result = perform(operation, {**options, **asked}, context)
    assert time.monotonic() - started < _SECONDS, "it hung"
    told = json.dumps([result.get("msg"), context.warnings])
    assert not any(token in told for token in _TOKENS), told
    assert len(told) < 4_000, told
    return result


def _check(result: dict[str, Any], path: Path, what: str) -> None:
    code = (result.get("failure") or {}).get("code")
    assert code != "unexpected", f"{what}: {result['msg']}"
    if code == "session_unusable":
        assert str(path.parent) in result["msg"], f"{what}: no file is named: {result['msg']}"
        assert result["failure"]["advice"], f"{what}: it is not said what to do"


def _each_task(directory: Path, path: Path, what: str, again: Callable[[], None]) -> None:
    for operation, options in _TASKS:
        again()
        clock = FakeClock()
        _check(_perform(operation, options, directory, clock), path, f"{operation.name}: {what}")


@given(seed=_SEEDS)
def test_session_with_altered_values(seed):
    what, content = nasty.altered(_saved(), nasty.draws(seed))
    _with_session(what, content)


@pytest.mark.parametrize("value", ["/ca\0.pem", "/ca\ud800.pem", "nowhere"])
def test_session_with_a_ca_path_that_no_file_has(value):
    _with_session(f"ca_path {value!r}", json.dumps({**_saved(), "ca_path": value}).encode())


def _with_session(what: str, content: bytes) -> None:
    with _directory() as directory:
        path = directory / "default.json"
        _each_task(directory, path, what, lambda: _write(path, content))


@given(seed=_SEEDS)
def test_session_of_other_bytes(seed):
    what, content = nasty.altered_bytes(json.dumps(_saved(), indent=1).encode(), nasty.draws(seed))
    with _directory() as directory:
        path = directory / "default.json"
        _each_task(directory, path, what, lambda: _write(path, content))


@pytest.mark.parametrize("version", [0, 2, -1, "1", None, 1.5, [], {}, 10**400])
def test_session_of_another_version(version):
    with _directory() as directory:
        _write(directory / "default.json", json.dumps({**_saved(), "format": version}).encode())
        result = _perform(role_info.OPERATION, {}, directory, FakeClock())
        assert result["failure"]["code"] == "session_unusable"
        assert str(directory / "default.json") in result["msg"]


# A provider that there is not.
@example(seed=1540220)
@given(seed=_SEEDS)
def test_journal_with_damage(seed):
    """What is whole of it stays, whatever is written after."""
    draw = nasty.draws(seed)
    clock = FakeClock()
    lines = _lines(clock)
    one = json.loads(draw.choice(lines.splitlines()))
    deed = draw.choice(("line", "bytes", "between"))
    if deed == "line":
        what, damaged = nasty.altered(one, draw)
    else:
        what, damaged = nasty.altered_bytes(lines if deed == "bytes" else json.dumps(one).encode(), draw)
    content = damaged if deed == "bytes" else lines + damaged + b"\n" + lines
    if draw.random() < 0.2:
        # So large that it is written anew.
        content += b'{"at": "2030-01-01T00:00:00Z", "event": "claim"}\n' * (PRUNED_ABOVE // 40)
    with _directory() as directory:
        path = directory / FILE

        def again() -> None:
            _write(directory / "default.json", json.dumps(_saved()).encode())
            _write(path, content)

        _each_task(directory, path, what, again)
        again()
        journal = Journal(
            str(directory), clock.clock, lambda present: leases.needed(present, clock.clock.now(), lambda _run: True)
        )
        journal.note([{"event": "claim", "run": "x"}])
        found = journal.lines()
        assert found[-1]["run"] == "x"
        if deed != "bytes":
            kept = [json.dumps(line, sort_keys=True) for line in found]
            for line in lines.splitlines():
                assert json.dumps(json.loads(line), sort_keys=True) in kept, f"{what}: a line of another run is gone"
        journal.recent(timedelta(minutes=5))


@pytest.mark.parametrize("provider", ["of_another_version", "ENTRA_ROLES", "\x1b[31m", "x" * 9_000])
def test_journal_with_an_unknown_provider(provider):
    """What only another version can give back is told, and kept."""
    clock = FakeClock()
    named = json.dumps(provider).encode()
    with _directory() as directory:
        _write(directory / "default.json", json.dumps(_saved()).encode())
        _write(directory / FILE, _lines(clock).replace(b'"entra_roles"', named))
        result = _perform(giving_back.OPERATION, {"leftovers": True}, directory, clock)
        assert not result.get("failed"), result["msg"]
        assert (directory / FILE).read_bytes() == _lines(clock).replace(b'"entra_roles"', named)


def _fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def _socket(path: Path) -> None:
    # Its path is longer than a socket's may be.
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)
    path.chmod(0o600)


def _link(path: Path) -> None:
    other = path.parent.parent / "other"
    other.write_bytes(b"{}")
    path.symlink_to(other)


_KINDS: dict[str, Callable[[Path], None]] = {
    "a directory": lambda path: path.mkdir(mode=0o700),
    "a fifo": _fifo,
    "a socket": _socket,
    "a link": _link,
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "open to all": lambda path: _write(path, b"{}", 0o666),
    "closed to all": lambda path: _write(path, b"{}", 0o000),
    "huge": lambda path: _huge(path),
    "empty": lambda path: _write(path, b""),
}
_FILES = (
    "default.json",
    ".default.lock",
    FILE,
    f"{FILE}.lock",
    "runs",
    "runs/.lock",
    f"runs/{OID}.lock",
    "",
    ".default.json.x.tmp",
)


def _huge(path: Path) -> None:
    _write(path, b"")
    os.truncate(path, 2**40)


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("name", _FILES)
def test_another_kind_of_file(name, kind):
    """In place of each file, or of the directory itself."""
    for operation, options in _TASKS:
        with _directory() as directory:
            if name:
                _write(directory / "default.json", json.dumps(_saved()).encode())
                _write(directory / FILE, _lines(FakeClock()))
                if name.startswith("runs/"):
                    (directory / "runs").mkdir(mode=0o700)
            path = directory / name if name else directory
            if path.is_file():
                path.unlink()
            _KINDS[kind](path)
            _check(_perform(operation, options, directory, FakeClock()), path, f"{operation.name}: {name} is {kind}")
            if kind == "a link" and (directory.parent / "other").exists():
                assert (directory.parent / "other").read_bytes() == b"{}", "what a link leads to was written to"
