# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the programs that gates consist of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools import layout


def run(
    program: str, *arguments: str | Path, cwd: Path = layout.ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program of this virtual environment; its output, both streams in order, is in ``stdout``."""
    command = [str(Path(sys.prefix) / "bin" / program), *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def answer(program: str, *arguments: str | Path, **variables: str) -> Any:
    """What a program of this virtual environment answers as JSON; warnings on its other stream are left out."""
    done = subprocess.run(
        [str(Path(sys.prefix) / "bin" / program), *map(str, arguments)],
        cwd=layout.ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
