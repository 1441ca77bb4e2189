# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in service: OAuth 2.0 grants of one tenant, tokens, and the page where a person enters a device code."""

from __future__ import annotations
