# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To be imported before the rest of this package: a module runs out of a zip file. Private to the collection.

From there Python compiles each source twice, the first time to tell where it lies (`zipimporter.get_filename`). Compiling is most of what
a task costs by itself, so it is done once.
"""

from __future__ import annotations

import sys
from zipimport import zipimporter

_PLACE = sys.modules[str(__package__)].__path__[0]


class _Importer(zipimporter):
    def get_filename(self, fullname: str) -> str:
        inside = "/__init__.py" if self.is_package(fullname) else ".py"
        return f"{self.archive}/{self.prefix}{fullname.rpartition('.')[2]}{inside}"


def _importer(path: str) -> zipimporter:
    """A hook of `sys.path_hooks`, for this package alone."""
    if path != _PLACE and not path.startswith(f"{_PLACE}/"):
        raise ImportError(path)
    return _Importer(path)


if __spec__ is not None and isinstance(__spec__.loader, zipimporter):
    sys.path_hooks.insert(0, _importer)
    # This file was found by Python's own.
    sys.path_importer_cache.pop(_PLACE, None)
