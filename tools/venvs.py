# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the virtual environments below ``.build/`` from the pins in ``tests/requirements/``, unless they fit already.

``python -m tools.venvs main`` makes the main one with the Python that runs this script, which is any Python >= 3.11
with nothing installed. ``python -m tools.venvs lanes clients galaxy`` makes one for each other lane whose Python is
found, one for each client of others, and one for the tools of Galaxy. ``bench`` makes what the benchmark needs beside the
clients, and installs its program of Node.js where there is npm.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tools import interpreters, layout
from tools.clients import BENCH_CLIENTS, CLI_MICROSOFT365, CLIENTS, Client, NodeClient
from tools.lanes import OUTER_LANES, PYTHON_LANES, Lane, main_lane


def _fingerprint(python: Path, requirements: list[Path]) -> str:
    """What the environment depends on: its Python, where it stands, every pin."""
    digest = hashlib.sha256(f"{python.resolve()}\n".encode())
    for path in (layout.REQUIREMENTS / "pins.txt", *requirements):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _make(venv: Path, python: Path, requirements: list[Path], *, compiled: bool = True) -> bool:
    """Make ``venv`` anew unless its stamp says that it fits. Returns whether it had to be made.

    Without ``compiled`` each file is compiled when it is first imported: Microsoft's clients have thousands that never are.

    The stamp holds the path as well: scripts in a virtual environment name their Python, so it cannot be moved.
    Raises ``subprocess.CalledProcessError`` with the output of pip where the installation fails. A second one who wants it
    at the same time waits.
    """
    venv.parent.mkdir(parents=True, exist_ok=True)
    with venv.with_name(f"{venv.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _make_locked(venv, python, requirements, compiled=compiled)


def _make_locked(venv: Path, python: Path, requirements: list[Path], *, compiled: bool) -> bool:
    stamp = venv / "entra-pim-stamp"
    wanted = f"{venv} {_fingerprint(python, requirements)}\n"
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    shutil.rmtree(venv, ignore_errors=True)
    # PYTHONDONTWRITEBYTECODE would leave every later start of Ansible to compile its own sources.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    arguments = [argument for path in requirements for argument in ("-r", str(path))]
    arguments += [] if compiled else ["--no-compile"]
    for command in ([str(python), "-m", "venv", str(venv)], [*pip, *arguments]):
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    stamp.write_text(wanted)
    return True


def lane_venv(lane: Lane) -> Path | None:
    """The virtual environment of ``lane``: the main one where it is that lane's, else its own; None where not made."""
    if (layout.MAIN_VENV / f"core-{lane.name}").exists():
        return layout.MAIN_VENV
    own = layout.LANES / lane.name
    return own if (own / "entra-pim-stamp").exists() else None


def make_main() -> None:
    """Make ``.build/venv`` with the Python that runs this script."""
    python = Path(sys.executable)
    lane = main_lane(sys.version_info[:2])
    requirements = [*lane.requirements, layout.REQUIREMENTS / "lint.txt"]
    what = f"main: ansible-core {lane.name} on Python {sys.version_info[0]}.{sys.version_info[1]}"
    print(f"{what}, in {layout.MAIN_VENV.relative_to(layout.ROOT)}", flush=True)
    made = _make(layout.MAIN_VENV, python, requirements)
    (layout.MAIN_VENV / f"core-{lane.name}").touch()
    print(f"main: {'made' if made else 'up to date'}")


def make_lane(lane: Lane) -> str:
    """Make the virtual environment of one lane; returns a line that says what was done, or why it was skipped."""
    if lane_venv(lane) == layout.MAIN_VENV:
        return f"{lane.name}: the main virtual environment"
    for version in lane.pythons:
        python = interpreters.find(version)
        if python is not None:
            made = _make(layout.LANES / lane.name, python, lane.requirements)
            return f"{lane.name}: {'made' if made else 'up to date'}, Python {version[0]}.{version[1]}"
    names = " or ".join(f"{major}.{minor}" for major, minor in lane.pythons)
    shutil.rmtree(layout.LANES / lane.name, ignore_errors=True)
    return f"{lane.name}: skipped, no Python {names} found"


def make_client(client: Client) -> str:
    """Make the virtual environment of one client with the Python that runs this script; returns what was done."""
    made = _make(client.venv, Path(sys.executable), [client.requirements], compiled=False)
    return f"{client.name}: {'made' if made else 'up to date'}"


def make_node_client(client: NodeClient) -> str:
    """Install a program of npm below ``.build/``; returns what was done, or why not: without it the benchmark has a row less."""
    npm = shutil.which("npm")
    if npm is None:
        return f"{client.name}: skipped, no npm found"
    wanted = client.requirements.read_text()
    stamp = client.directory / "entra-pim-stamp"
    if stamp.is_file() and stamp.read_text() == wanted:
        return f"{client.name}: up to date"
    shutil.rmtree(client.directory, ignore_errors=True)
    client.directory.mkdir(parents=True)
    (client.directory / "package.json").write_text(wanted)
    # --ignore-scripts: nothing that a package brings along runs at its installation
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
    ended = subprocess.run(command, cwd=client.directory, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        return f"{client.name}: npm could not install it: {ended.stderr.strip()[-500:]}"
    stamp.write_text(wanted)
    return f"{client.name}: made"


def make_galaxy() -> str:
    """Make the virtual environment of Galaxy's own tools; returns what was done."""
    core = main_lane(sys.version_info[:2]).requirements[0]
    made = _make(layout.GALAXY, Path(sys.executable), [core, layout.REQUIREMENTS / "galaxy.txt"], compiled=False)
    return f"galaxy: {'made' if made else 'up to date'}"


def main(arguments: list[str]) -> int:
    """``main``, or any of ``lanes``, ``clients``, ``galaxy`` and ``bench``; returns the exit status."""
    try:
        if arguments == ["main"]:
            make_main()
        elif arguments and set(arguments) <= {"lanes", "clients", "galaxy", "bench"}:
            wanted: list[Callable[[], str]] = []
            if "clients" in arguments:
                wanted += [partial(make_client, client) for client in CLIENTS]
            if "lanes" in arguments:
                wanted += [partial(make_lane, lane) for lane in (*OUTER_LANES, *PYTHON_LANES)]
            if "galaxy" in arguments:
                wanted.append(make_galaxy)
            if "bench" in arguments:
                wanted += [partial(make_client, client) for client in BENCH_CLIENTS]
                wanted.append(partial(make_node_client, CLI_MICROSOFT365))
            with ThreadPoolExecutor(max_workers=2) as pool:
                for line in pool.map(lambda make: make(), wanted):
                    print(line, flush=True)
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stdout}{error.stderr}", file=sys.stderr)
        return 1
    except LookupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
