# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in server of an organisation whose domains are federated (such as AD FS): it alone checks their passwords, and
tells the sign-in service in an assertion who was there."""

from __future__ import annotations
