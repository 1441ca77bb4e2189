# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The import rule of the collection: which room may know which, and what only one room may do.

Checked by reading the sources, so that a branch no test takes is checked, too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

_COLLECTION = "ansible_collections.entra.pim.plugins"
_PRIVATE = f"{_COLLECTION}.module_utils._pim"

# An import may only go to a room with a higher number (further down), or stay in its own.
_DEPTH = {
    "modules": 0,
    "action": 0,
    "lookup": 0,
    "callback": 0,
    "doc_fragments": 0,
    "module_edge": 1,
    "plugin_utils": 1,
    "operations": 2,
    "providers": 3,
    "plans": 3,
    "api": 4,
    "sign_in": 5,
    "transport": 6,
    "repeats": 7,
    "state": 7,
    "models": 8,
    "times": 8,
    "errors": 8,
    "advice": 8,
    "compiled_once": 8,
}
# These are pure: they import nothing of the collection but each other.
_PURE = {"models", "times", "errors", "advice", "plans"}
_EDGES = {"modules", "action", "lookup", "callback", "doc_fragments", "module_edge", "plugin_utils"}

_NETWORK = {"aiohttp", "asyncio", "ftplib", "http.client", "httpx", "requests", "smtplib", "socket", "ssl"}
_NETWORK |= {"urllib.request", "urllib3"}
_DISK_MODULES = {"fcntl", "mmap", "shutil", "sqlite3", "tempfile"}
_DISK_OS = {"chmod", "chown", "fchmod", "fdopen", "fsync", "ftruncate", "link", "makedirs", "mkdir", "mkfifo", "open"}
_DISK_OS |= {"remove", "removedirs", "rename", "renames", "replace", "rmdir", "symlink", "truncate", "unlink", "write"}
_DISK_METHODS = {"hardlink_to", "mkdir", "rmdir", "symlink_to", "touch", "unlink", "write_bytes", "write_text"}

# Below the edges the clock, the environment and the person at the screen come in from above.
_FROM_ABOVE = {
    "builtins.input",
    "builtins.print",
    "getpass.getpass",
    "os.environ",
    "os.environb",
    "os.getenv",
    "os.putenv",
    "sys.stderr",
    "sys.stdin",
    "sys.stdout",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
    "time.time",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "datetime.date.today",
}
_ENV_FALLBACK = "ansible.module_utils.common.parameters.env_fallback"
_PROVIDERS = {"entra_roles", "groups", "azure_resources"}


def _dotted_name(path: str) -> str:
    """The module that ``path`` (relative to the root of the collection) is."""
    return ".".join([_COLLECTION, *PurePosixPath(path).with_suffix("").parts[1:]]).removesuffix(".__init__")


def room_of(module: str) -> str | None:
    """The room that a module of the collection stands in; None for ``_pim`` itself and for what is not ours.

    Raises ``LookupError`` for a module of the collection in a place that the rule does not know.
    """
    if not module.startswith(f"{_COLLECTION}."):
        return None
    if module in (f"{_COLLECTION}.module_utils", _PRIVATE):
        return None
    below = _PRIVATE if module.startswith(f"{_PRIVATE}.") else _COLLECTION
    room = module.removeprefix(f"{below}.").split(".")[0]
    if room not in _DEPTH:
        raise LookupError(f"{module}: no room of the house is called {room}")
    return room


class _Names(ast.NodeVisitor):
    """Collects what a module imports, and what each of its names stands for."""

    def __init__(self, module: str, is_package: bool) -> None:
        self._package = module if is_package else module.rpartition(".")[0]
        self.imports: list[tuple[int, str, bool]] = []
        self.meaning: dict[str, str] = {}
        self._functions = 0

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name ast asks for

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.imports.append((node.lineno, alias.name, self._functions > 0))
            top = alias.name.split(".")[0]
            self.meaning[alias.asname or top] = alias.name if alias.asname else top

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            parts = self._package.split(".")
            base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
        for alias in node.names:
            name = f"{base}.{alias.name}"
            self.imports.append((node.lineno, name, self._functions > 0))
            self.meaning[alias.asname or alias.name] = name


def _resolve(node: ast.expr, meaning: dict[str, str]) -> str | None:
    """The dotted name that an expression stands for (``datetime.datetime.now``), as far as the imports tell."""
    if isinstance(node, ast.Attribute):
        base = _resolve(node.value, meaning)
        return f"{base}.{node.attr}" if base else None
    if isinstance(node, ast.Name):
        if node.id in ("input", "open", "print"):
            return meaning.get(node.id, f"builtins.{node.id}")
        return meaning.get(node.id)
    return None


def _matches(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _import_faults(module: str, room: str, names: _Names) -> Iterator[tuple[int, str]]:
    below_edges = room not in _EDGES
    for line, name, in_function in names.imports:
        target = room_of(name)
        if target is not None and target != room:
            if room in _PURE and target not in _PURE:
                yield line, f"{room} is pure and must not import {target}"
            elif _DEPTH[target] < _DEPTH[room] or (_DEPTH[target] == _DEPTH[room] and room not in _PURE):
                yield line, f"{room} must not import {target}: imports run downward"
        if below_edges and _matches(name, {"ansible"}) and not (room == "operations" and name == _ENV_FALLBACK):
            yield line, f"{room} must not import Ansible: {name}"
        if _matches(name, _NETWORK) and room != "transport":
            yield line, f"{name}: only transport.py knows the network"
        if _matches(name, _DISK_MODULES) and room != "state":
            yield line, f"{name}: only state/ writes to the disk"
        if _matches(name, {"msal"}) and (room != "sign_in" or not in_function):
            yield line, "msal is imported in sign_in/ only, inside the function that fetches a token"


def _writes(call: ast.Call, meaning: dict[str, str]) -> bool:
    """Whether a call opens a file for writing or changes the disk in another way."""
    name = _resolve(call.func, meaning)
    method = call.func.attr if isinstance(call.func, ast.Attribute) else None
    if name == "builtins.open" or (method == "open" and name is None):
        position = 1 if name else 0
        modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
        modes = modes or call.args[position : position + 1]
        return any(not (isinstance(mode, ast.Constant) and not set(str(mode.value)) & set("wax+")) for mode in modes)
    if name is not None and name.startswith("os."):
        return name.removeprefix("os.") in _DISK_OS
    return method in _DISK_METHODS and name is None


def _names_a_provider(node: ast.expr) -> bool:
    values = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]
    return any(isinstance(value, ast.Constant) and value.value in _PROVIDERS for value in values)


def _use_faults(room: str, tree: ast.Module, meaning: dict[str, str]) -> Iterator[tuple[int, str]]:
    below_edges = room not in _EDGES
    for node in ast.walk(tree):
        if below_edges and isinstance(node, (ast.Name, ast.Attribute)):
            name = _resolve(node, meaning)
            if name in _FROM_ABOVE:
                yield node.lineno, f"{room} must not use {name.removeprefix('builtins.')}: it comes in from above"
        if isinstance(node, ast.Call) and room != "state" and _writes(node, meaning):
            yield node.lineno, "only state/ writes to the disk"
        if isinstance(node, ast.Compare) and room not in ("providers", *(_EDGES - {"module_edge", "plugin_utils"})):
            sides = [node.left, *node.comparators]
            asked = any(
                (isinstance(side, ast.Name) and side.id == "provider")
                or (isinstance(side, ast.Attribute) and side.attr == "provider")
                for side in sides
            )
            if asked and any(_names_a_provider(side) for side in sides):
                yield node.lineno, "what differs between providers belongs into providers/"


def faults(path: str, source: str) -> list[str]:
    """What is wrong in one Python file of ``plugins/``; ``path`` is relative to the root of the collection."""
    module = _dotted_name(path)
    room = room_of(module)
    if room is None:
        return []
    tree = ast.parse(source, path)
    names = _Names(module, path.endswith("__init__.py"))
    names.visit(tree)
    found = {*_import_faults(module, room, names), *_use_faults(room, tree, names.meaning)}
    return [f"{path}:{line}: {message}" for line, message in sorted(found)]
