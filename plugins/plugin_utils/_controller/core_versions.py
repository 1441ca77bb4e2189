# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the versions of ansible-core this collection runs with (2.16 and newer). Private to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError

try:
    # 2.22 and newer mask what is registered here, wherever it is shown.
    from ansible.module_utils.secrets import register_secret
except ImportError:

    def register_secret(secret: str) -> None:
        """Older ansible-core masks only what an option marks as secret; `no_log: true` on the task does the rest."""


__all__ = ["deprecation", "plain", "register_secret", "shows_invocation", "warning_text"]


def plain(options: Mapping[str, Any]) -> Any:
    """Options of plain types: 2.19 tags what it templates, 2.16 has objects of its own for vault texts."""
    return json.loads(json.dumps(options, default=str))


def warning_text(warning: Any) -> str:
    """A warning of the option validation in the words AnsibleModule finds for it: an option and its alias are both set."""
    if isinstance(warning, Mapping) and "alias" in warning:
        return f"Both option {warning['option']} and its alias {warning['alias']} are set."
    return str(warning)


def deprecation(one: Mapping[str, Any]) -> dict[str, Any]:
    """A deprecation of the option validation without its empty keys, which differ."""
    return {key: value for key, value in one.items() if value is not None}


def shows_invocation() -> bool:
    """Whether a result carries `invocation`: a setting from 2.21 on, always so before."""
    try:
        return bool(constants.config.get_config_value("INJECT_INVOCATION"))
    except AnsibleError:
        return True
