# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser whose person knows the password of the account: tests/headless_browser.py with that password in its environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = os.environ["HEADLESS_BROWSER_USERNAME"].partition("@")[0].upper()
BROWSER = Path(__file__).resolve().parents[3] / "headless_browser.py"

os.environ["HEADLESS_BROWSER_PASSWORD"] = os.environ[f"PASSWORD_OF_{NAME}"]
os.execv(sys.executable, [sys.executable, str(BROWSER), *sys.argv[1:]])  # noqa: S606  # no shell is wanted
