# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Privileged Identity Management: schedules, requests, policies, approvals, alike for all areas. No HTTP here."""

from __future__ import annotations
