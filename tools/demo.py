# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the example against the simulator: ``python -m tools.demo [ARGUMENT OF ansible-playbook ...]``.

The playbook starts the simulator and stops it; nothing but this machine is talked to.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools import environment, layout


def main(arguments: list[str]) -> int:
    """Run ``examples/elevate.yml``; returns the exit status of ansible-playbook."""
    venv = Path(sys.prefix)
    variables = environment.for_tests(venv)
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        del variables["ANSIBLE_NOCOLOR"]
    command = [str(venv / "bin" / "ansible-playbook"), "examples/elevate.yml", *arguments]
    return subprocess.run(command, cwd=layout.ROOT, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
