# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of how a task fails; kept in one place for all modules."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
notes:
  - "A failed task returns RV(ignore:failure): a dictionary with C(code), C(service_code), C(status), C(message), C(request_id), C(provider),
    C(role), C(scope), C(authentication_context) and C(advice). What does not apply is null. The guide on troubleshooting explains each code."
"""
