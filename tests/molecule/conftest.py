# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many short playbooks: what the collection's sources compile to is kept for the next one."""

from __future__ import annotations

import os

from tools import layout

os.environ["PYTHONPATH"] = str(layout.KEPT_CODE)
