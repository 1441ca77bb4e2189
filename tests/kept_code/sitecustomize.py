# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what the collection's sources compile to, below ``.build/compiled``: Python keeps nothing of what comes out of a module's zip
archive, and Ansible's loader of collections keeps nothing at all.

Compiling the same files again is half of the processor time of a module's task, and a quarter of a short playbook's. Python loads this
at its start, where PYTHONPATH has this directory. The name of a file is its source's and its place's, so what is run is what is there.
"""

import _imp
import builtins
import marshal
import os
import sys
import zipimport

_compile_source = zipimport._compile_source
_compile = builtins.compile
_CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PLACE = os.path.join(_CHECKOUT, ".build", "compiled", sys.implementation.cache_tag)


def _kept(path, source, make):
    name = os.path.join(_PLACE, _imp.source_hash(0, path.encode() + b"\0" + source).hex())
    try:
        with open(name, "rb") as stream:
            return marshal.loads(stream.read())  # noqa: S302 - written below, by the same Python
    except FileNotFoundError:
        code = make()
    os.makedirs(_PLACE, exist_ok=True)
    unfinished = f"{name}-{os.getpid()}"
    with open(unfinished, "wb") as stream:
        stream.write(marshal.dumps(code))
    os.replace(unfinished, name)
    return code


def _of_a_zip(path, source):
    # The archive's own place is another one for each task.
    inside = path[path.find(".zip") :]
    return _kept(inside, source, lambda: _compile_source(path, source))


def _of_a_collection(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, **others):
    def make():
        return _compile(source, filename, mode, flags, dont_inherit, optimize, **others)

    plain = mode == "exec" and flags == 0 and dont_inherit and optimize == -1 and not others
    if plain and isinstance(source, bytes) and "/ansible_collections/" in str(filename):
        return _kept(str(filename), source, make)
    return make()


zipimport._compile_source = _of_a_zip
builtins.compile = _of_a_collection
