# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give the checkout the place that Ansible wants: ``.build/collections/ansible_collections/entra/pim``.

``python -m tools.collection_tree`` makes the link.
"""

from __future__ import annotations

import os

from tools import layout


def link() -> None:
    """Link the checkout into ``.build/collections``; a link that is there already is left alone."""
    path = layout.LINKED_COLLECTION
    target = os.path.relpath(layout.ROOT, path.parent)
    if path.is_symlink() and os.readlink(path) == target:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


if __name__ == "__main__":
    link()
