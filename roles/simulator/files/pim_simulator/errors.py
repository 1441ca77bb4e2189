# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every refusal that ends a command of the command line has in common."""

from __future__ import annotations


class SimulatorError(Exception):
    """The text is for the person who gave the command."""
