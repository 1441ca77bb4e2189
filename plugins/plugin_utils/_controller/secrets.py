# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masking of tokens learnt at run time, where ansible-core can do it (2.22 and newer). Private to the collection."""

from __future__ import annotations

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:

    def register_secret(secret: str) -> None:
        """Older ansible-core masks only what an option marks as secret; `no_log: true` on the task does the rest."""


__all__ = ["register_secret"]
