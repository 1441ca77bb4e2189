# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line. What needs third-party packages is imported by the commands that need it: ``stop`` and ``status`` do
not."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pim_simulator.errors import SimulatorError
from pim_simulator.lifecycle import status, stop
from pim_simulator.runtime_dir import RuntimeDir

DEFAULT_TENANT = Path(__file__).resolve().parents[1] / "tenants" / "contoso.yml"
_NOT_RUNNING = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 refused or failed (the reason on stderr), 3 not running (``status``)."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SimulatorError as error:
        sys.stderr.write(f"pim_simulator: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pim_simulator", description="A simulated Entra tenant on loopback."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    for name, run, text in (
        ("serve", _serve, "run in the foreground until SIGTERM or Ctrl-C"),
        ("start", _start, "start detached; returns when the server answers"),
    ):
        sub = command(name, run, text)
        sub.add_argument("--dir", required=True, type=Path, help="its own directory: CA, control key, description, log")
        sub.add_argument("--tenant", type=Path, default=DEFAULT_TENANT, help="the tenant file")
        sub.add_argument("--port", type=_port, default=0, help="0 (the default): any that is free")
        if name == "serve":
            # for a program that cannot be led elsewhere but by a proxy of its user's
            sub.add_argument("--name", action="append", default=[], help="a further name in the certificate")
    for name, run, text in (
        ("stop", _stop, "end it, and remove its keys, CA and records"),
        ("status", _status, "say whether it runs"),
    ):
        command(name, run, text).add_argument("--dir", required=True, type=Path)
    command("check", _check, "check a tenant file").add_argument("--tenant", type=Path, default=DEFAULT_TENANT)
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a number from 0 to 65535")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
    from pim_simulator.server import serve

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    # its lines come once per connection and say nothing of use
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    serve(RuntimeDir(options.dir), options.tenant, options.port, options.name)
    return 0


def _start(options: argparse.Namespace) -> int:
    from pim_simulator.launch import start

    _print(start(RuntimeDir(options.dir), options.tenant, options.port))
    return 0


def _stop(options: argparse.Namespace) -> int:
    _print({"stopped": stop(RuntimeDir(options.dir))})
    return 0


def _status(options: argparse.Namespace) -> int:
    description = status(RuntimeDir(options.dir))
    _print({"running": description is not None, **(description or {})})
    return 0 if description is not None else _NOT_RUNNING


def _check(options: argparse.Namespace) -> int:
    from pim_simulator.tenant.loader import load_tenant

    tenant = load_tenant(options.tenant)
    counts = (
        f"{len(tenant.users)} users, {len(tenant.eligibilities)} eligibilities, {len(tenant.assignments)} assignments"
    )
    sys.stdout.write(f"{options.tenant}: {tenant.name} ({tenant.tenant_id}), {counts}\n")
    return 0


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
