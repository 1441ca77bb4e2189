# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the whole benchmark, in the environment of the tests: ``python -m tools.bench [--rounds N]``."""

from __future__ import annotations

import os
import subprocess
import sys

from tools import environment, layout


def main() -> int:
    """The exit status of the benchmark: 1 where a peer failed."""
    roots = [layout.LINKED_COLLECTIONS, layout.ROOT, layout.ROOT / "tests"]
    variables = {**environment.for_tests(layout.MAIN_VENV), "PYTHONPATH": os.pathsep.join(map(str, roots))}
    command = [str(layout.MAIN_VENV / "bin" / "python"), "-m", "bench.performance", *sys.argv[1:]]
    return subprocess.run(command, cwd=layout.ROOT, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
