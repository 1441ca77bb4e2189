# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets where none may be: output, log, results, and every file a run left on the disk."""

from __future__ import annotations

import re
import stat
from pathlib import Path

# Whatever was issued and never reached a session file: JSON web tokens, and long random texts such as refresh tokens
# and device codes.
WEB_TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}")
LONG_TEXT = re.compile(rb"[A-Za-z0-9_-]{80,}")
# No secrets: where a list goes on, in the calls the simulator has recorded; the zipped code of a module under way.
HARMLESS = re.compile(rb"skiptoken=[A-Za-z0-9_-]+|UEsDB[A-Za-z0-9+/=]+")


def random_text(text: bytes) -> bool:
    """Base64 of so many bytes has letters of both cases and digits; lines of dashes and hashes have not."""
    return all(re.search(kind, text) for kind in (rb"[a-z]", rb"[A-Z]", rb"[0-9]"))


def leaks(text: bytes, secrets: set[str]) -> list[str]:
    """What was found, without showing it."""
    found = [f"a secret of {len(one)} characters that begins with {one[:4]}" for one in secrets if one.encode() in text]
    if WEB_TOKEN.search(text):
        found.append("a JSON web token")
    if any(random_text(one) for one in LONG_TEXT.findall(HARMLESS.sub(b"", text))):
        found.append("a long random text")
    return found


def session_file(path: Path) -> bool:
    """A file that may hold tokens: private, of a session."""
    return (
        path.suffix == ".json"
        and stat.S_IMODE(path.lstat().st_mode) == 0o600
        and b'"refresh_token"' in path.read_bytes()
    )


def leaks_below(directory: Path, secrets: set[str]) -> list[str]:
    """The same for every file below, links aside: what they lead to is looked at where it is."""
    found = []
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink() and not session_file(path):
            found += [f"{path.relative_to(directory)}: {leak}" for leak in leaks(path.read_bytes(), secrets)]
    return found
