# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection's artefact from the files that are in git: ``python -m tools.build [DIRECTORY]``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools import collection_tree, environment, layout


def build(directory: Path) -> Path:
    """Build into ``directory``; returns the path of the artefact. Raises ``subprocess.CalledProcessError``."""
    venv = Path(sys.prefix)
    tree = collection_tree.copy(directory / "tree")
    galaxy = str(venv / "bin" / "ansible-galaxy")
    command = [galaxy, "collection", "build", "--force", "--output-path", str(directory), str(tree)]
    subprocess.run(command, check=True, capture_output=True, text=True, env=environment.for_tests(venv))
    (artefact,) = directory.glob("entra-pim-*.tar.gz")
    return artefact


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else layout.BUILD / "dist"))
