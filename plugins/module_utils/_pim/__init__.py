# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the edges share. Private to the collection.

A module runs out of a zip file, from which Python compiles each source twice, the first time to tell where it lies. Compiling is most of
what a task costs by itself, so here it is done once.
"""

from __future__ import annotations

import sys
from zipimport import zipimporter


class _CompilesOnce(zipimporter):
    def get_filename(self, fullname: str) -> str:
        inside = "/__init__.py" if self.is_package(fullname) else ".py"
        return f"{self.archive}/{self.prefix}{fullname.rpartition('.')[2]}{inside}"


def _importer(path: str) -> zipimporter:
    """A hook of `sys.path_hooks`, for this package alone."""
    if path != __path__[0] and not path.startswith(f"{__path__[0]}/"):
        raise ImportError(path)
    return _CompilesOnce(path)


if __spec__ is not None and isinstance(__spec__.loader, zipimporter):
    sys.path_hooks.insert(0, _importer)
