# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, finding and ending a simulator by its command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator_process import DEFAULT_TENANT, PACKAGE_ROOT, Simulator

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pim_simulator", *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
    )


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "run"
    yield directory
    _run("stop", "--dir", str(directory))


def _start(run_dir: Path, *more: str) -> dict[str, Any]:
    result = _run("start", "--dir", str(run_dir), *more)
    assert result.returncode == 0, result.stderr
    description: dict[str, Any] = json.loads(result.stdout)
    return description


def _alive(pid: int) -> bool:
    """A process that has ended may stay as a zombie until whoever adopted it asks for its status."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def test_start_stop_each_twice(run_dir: Path) -> None:
    first = _start(run_dir)
    assert first["started"] is True
    again = _start(run_dir)
    assert again["started"] is False
    assert again["pid"] == first["pid"]
    status = _run("status", "--dir", str(run_dir))
    assert status.returncode == 0
    assert json.loads(status.stdout)["running"] is True

    assert json.loads(_run("stop", "--dir", str(run_dir)).stdout) == {"stopped": True}
    assert list(run_dir.iterdir()) == [], "keys, CA and records must be gone"
    deadline = time.monotonic() + 5
    while _alive(first["pid"]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(first["pid"])
    assert json.loads(_run("stop", "--dir", str(run_dir)).stdout) == {"stopped": False}
    assert _run("status", "--dir", str(run_dir)).returncode == 3
    assert _start(run_dir)["started"] is True


def test_stop_where_nothing_ever_was(tmp_path: Path) -> None:
    result = _run("stop", "--dir", str(tmp_path / "never"))
    assert result.returncode == 0
    assert not (tmp_path / "never").exists()


def test_what_it_tells_and_who_may_read_it(run_dir: Path) -> None:
    description = _start(run_dir)
    assert json.loads((run_dir / "simulator.json").read_text())["url"] == description["url"]
    assert set(description["environment"]) == {
        "ENTRA_PIM_AUTHORITY_URL",
        "ENTRA_PIM_GRAPH_URL",
        "ENTRA_PIM_ARM_URL",
        "ENTRA_PIM_CA_PATH",
        "ENTRA_PIM_TENANT",
    }
    assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700
    for name in ("control.key", "identity.header", "simulator.json", "simulator.log"):
        assert stat.S_IMODE((run_dir / name).stat().st_mode) == 0o600, name
    written = "".join(path.read_text() for path in run_dir.iterdir())
    assert "PRIVATE KEY" not in written


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_its_certificate_fits_each_name(run_dir: Path, host: str) -> None:
    description = _start(run_dir)
    port = int(description["url"].rsplit(":", 1)[1])
    context = ssl.create_default_context(cafile=description["ca_path"])
    try:
        plain = socket.create_connection((host, port), timeout=10)
    except OSError as error:
        if host == "::1":
            pytest.skip(f"this machine has no IPv6 loopback: {error}")
        raise
    with plain, context.wrap_socket(plain, server_hostname=host) as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


def test_it_listens_on_loopback_only(run_dir: Path) -> None:
    port = int(_start(run_dir)["url"].rsplit(":", 1)[1])
    # connecting a datagram socket sends nothing: it only tells which of our addresses a route would use
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError as error:
            pytest.skip(f"this machine has no other address than loopback: {error}")
        other = probe.getsockname()[0]
    with pytest.raises(OSError):  # noqa: PT011 - refused or unreachable, as the system has it
        socket.create_connection((other, port), timeout=3)


def test_it_survives_its_caller_and_its_session(run_dir: Path) -> None:
    pid = _start(run_dir)["pid"]
    assert os.getsid(pid) == pid
    time.sleep(0.2)
    assert _alive(pid)


def test_a_fixed_port(run_dir: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert _start(run_dir, "--port", str(port))["url"] == f"https://localhost:{port}"
    other = _run("start", "--dir", str(tmp_path / "other"), "--port", str(port))
    assert other.returncode == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in other.stderr
    differing = _run("start", "--dir", str(run_dir), "--port", str(port % 60000 + 1024))
    assert differing.returncode == 1
    assert "on another port: stop it first" in differing.stderr


def test_another_tenant_file_is_not_mistaken_for_the_same(run_dir: Path, tmp_path: Path) -> None:
    tenant = tmp_path / "tenant.yml"
    tenant.write_text(DEFAULT_TENANT.read_text() + "\nminimum_active: PT1M\n")
    _start(run_dir)
    result = _run("start", "--dir", str(run_dir), "--tenant", str(tenant))
    assert result.returncode == 1
    assert "with another tenant file: stop it first" in result.stderr


def test_a_bad_tenant_file_is_told_at_once(run_dir: Path, tmp_path: Path) -> None:
    tenant = tmp_path / "tenant.yml"
    tenant.write_text("name: x\n")
    for command in (["start", "--dir", str(run_dir)], ["serve", "--dir", str(run_dir)], ["check"]):
        result = _run(*command, "--tenant", str(tenant))
        assert result.returncode == 1
        assert "lacks the key 'tenant_id'" in result.stderr
        assert "Traceback" not in result.stderr
    assert not run_dir.exists()


def test_a_stale_description_is_not_believed(run_dir: Path) -> None:
    """A simulator that was killed leaves its description; the process id in it may be anybody's by now."""
    description = _start(run_dir)
    os.kill(description["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _run("status", "--dir", str(run_dir)).returncode == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (run_dir / "simulator.json").write_text(json.dumps({**description, "pid": stranger.pid}))
        assert json.loads(_run("stop", "--dir", str(run_dir)).stdout) == {"stopped": False}
        assert stranger.poll() is None, "a process that is not ours was ended"
    finally:
        stranger.terminate()
        stranger.wait()
    assert not (run_dir / "control.key").exists()


def test_sigterm_ends_it_in_order(run_dir: Path) -> None:
    pid = _start(run_dir)["pid"]
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while _run("status", "--dir", str(run_dir)).returncode == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not (run_dir / "simulator.json").exists()
    assert "Traceback" not in (run_dir / "simulator.log").read_text()


def test_a_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    result = _run("start", "--dir", str(tmp_path / "link"))
    assert result.returncode == 1
    assert "is not a directory" in result.stderr


def test_further_names_in_the_certificate() -> None:
    """For who is led to it by a proxy and knows another name only."""
    for names, expected in ((["graph.microsoft.com"], True), ([], False)):
        with Simulator(names=names) as simulator:
            context = ssl.create_default_context(cafile=simulator.ca_path)
            address = ("127.0.0.1", urlsplit(simulator.url).port)
            with socket.create_connection(address, 10) as plain:
                try:
                    context.wrap_socket(plain, server_hostname="graph.microsoft.com").close()
                except ssl.SSLCertVerificationError:
                    assert not expected
                else:
                    assert expected
