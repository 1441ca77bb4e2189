# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the attributes that the modules share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
"""

    ACTIONGROUP_PIM = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/entra.pim.pim) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - entra.pim.pim
"""

    TWO_EDGES = r"""
options: {}
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: full
    details:
      - On the controller (C(connection=local), C(delegate_to=localhost)), without C(become) and C(async), where the Python packages are
        installed, the task runs inside the controller. Everywhere else the module runs on the target, with the same options and the same result.
  async:
    description: Supports being used with the C(async) keyword.
    support: full
    details:
      - With C(async) the module runs on the target, never inside the controller.
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module does not modify state.
  diff_mode:
    support: N/A
    details:
      - This module does not modify state.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
    details:
      - This module does not modify state.
"""
