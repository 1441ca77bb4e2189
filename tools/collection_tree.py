# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give the checkout the place that Ansible wants, ``ansible_collections/entra/pim`` below some directory.

``python -m tools.collection_tree`` makes the link for playbooks, pytest and mypy. ansible-test and ``ansible-galaxy
collection build`` need a copy: the first resolves the link and then finds itself outside of such a tree, the second
would pack files that are in the checkout but not in git.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tools import layout


def link() -> None:
    """Link the checkout into ``.build/collections``; a link that is there already is left alone."""
    path = layout.LINKED_COLLECTION
    target = os.path.relpath(layout.ROOT, path.parent)
    if path.is_symlink() and str(path.readlink()) == target:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def files() -> list[Path]:
    """The files of the checkout that are in git or would be added to it, relative to its root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=layout.ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    # A file that was deleted but is still in the index is listed, too.
    return sorted(Path(name) for name in set(listed) if name and os.path.lexists(layout.ROOT / name))


def copy(collections: Path) -> Path:
    """Copy the files of the checkout to a fresh ``collections/ansible_collections/entra/pim``; returns that directory.

    The copy is a git work tree of its own. Without that, ansible-test finds the checkout's, in which the copy is
    ignored, and passes with nothing tested.
    """
    destination = collections / "ansible_collections" / "entra" / "pim"
    shutil.rmtree(collections / "ansible_collections", ignore_errors=True)
    for name in files():
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(layout.ROOT / name, target, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet", str(destination)], check=True)
    return destination


if __name__ == "__main__":
    link()
