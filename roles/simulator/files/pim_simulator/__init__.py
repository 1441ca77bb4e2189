# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Entra tenant: its sign-in service and Microsoft Graph's PIM for Entra roles, over HTTPS on loopback.

Start it with ``python -m pim_simulator start --dir DIR``. It shares no code with the collection's plugins: a
mistake in one must not be hidden by the same mistake in the other.
"""

from __future__ import annotations
