# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pim_give_back in the controller where the task runs there; see the module for its documentation."""

from __future__ import annotations

from ansible_collections.entra.pim.plugins.module_utils._pim.operations.giving_back import OPERATION
from ansible_collections.entra.pim.plugins.plugin_utils._controller.edge import OperationAction


class ActionModule(OperationAction):
    operation = OPERATION
