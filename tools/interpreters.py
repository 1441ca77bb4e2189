# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find Python interpreters that really start, on PATH and among the versions of pyenv."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path


def _candidates(version: tuple[int, int]) -> Iterator[Path]:
    """Every path that might be ``version``; pyenv's versions are looked up themselves, a shim may not start."""
    name = f"python{version[0]}.{version[1]}"
    directories = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    for directory in directories:
        yield directory / name
    roots = [Path(os.environ["PYENV_ROOT"])] if os.environ.get("PYENV_ROOT") else []
    roots += [directory.parent for directory in directories if directory.name == "shims"]
    roots.append(Path.home() / ".pyenv")
    for root in dict.fromkeys(roots):
        yield from sorted((root / "versions").glob(f"*/bin/{name}"), reverse=True)


def version_of(python: Path) -> tuple[int, int] | None:
    """(major, minor) of ``python``, or None where it does not start or cannot make virtual environments."""
    probe = "import ensurepip, sys, venv; print(sys.version_info[0], sys.version_info[1])"
    try:
        answer = subprocess.run([python, "-c", probe], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor = answer.split()
    return int(major), int(minor)


def find(version: tuple[int, int]) -> Path | None:
    """The first interpreter of this version that starts, or None."""
    for candidate in _candidates(version):
        if candidate.is_file() and version_of(candidate) == version:
            return candidate
    return None
