# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what a module's sources compile to, below ``.build/compiled``: they come in a zip archive, for which Python itself keeps nothing.

Half of the processor time of a module's task is compiling the same files again. Python loads this at its start, where PYTHONPATH
has this directory. The name of a file is its content's, so what is run is what is in the archive.
"""

import _imp
import marshal
import os
import sys
import zipimport

_compile_source = zipimport._compile_source
_CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
_PLACE = os.path.join(_CHECKOUT, ".build", "compiled", sys.implementation.cache_tag)


def _kept(path, source):
    name = os.path.join(_PLACE, _imp.source_hash(0, source).hex())
    try:
        with open(name, "rb") as stream:
            return marshal.loads(stream.read())  # noqa: S302 - written below, by the same Python
    except FileNotFoundError:
        code = _compile_source(path, source)
    os.makedirs(_PLACE, exist_ok=True)
    unfinished = f"{name}-{os.getpid()}"
    with open(unfinished, "wb") as stream:
        stream.write(marshal.dumps(code))
    os.replace(unfinished, name)
    return code


zipimport._compile_source = _kept
