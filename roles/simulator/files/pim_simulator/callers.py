# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who makes a call: what a checked access token says."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Caller:
    """``permissions`` are the delegated (``scp``) or application (``roles``) permissions; ``wids`` role template ids;
    ``groups`` those the principal was in when the token was issued, which the token itself does not tell."""

    object_id: str
    app_id: str
    username: str | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)
    wids: frozenset[str] = field(default_factory=frozenset)
    groups: frozenset[str] = field(default_factory=frozenset)
    amr: frozenset[str] = field(default_factory=frozenset)
    acrs: frozenset[str] = field(default_factory=frozenset)
    handles_challenges: bool = False

    @property
    def app_only(self) -> bool:
        return self.username is None
