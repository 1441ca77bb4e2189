# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that is local in all but its name, so that a playbook can drive the module edge without ssh."""

from __future__ import annotations

from ansible.plugins.connection import local

DOCUMENTATION = r"""
name: loop
author:
  - entra.pim contributors (@entra-pim)
short_description: Run modules on this machine
description:
  - What C(local) does, under another name.
options: {}
"""


class Connection(local.Connection):
    transport = "loop"
