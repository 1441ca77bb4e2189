# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without what is published nothing is checked: that is said aloud, and is a failure in CI."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from contract import published


@pytest.mark.parametrize(("ci", "outcome"), [("true", "1 error"), ("", "1 skipped")])
def test_without_the_file(tmp_path, ci, outcome):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-k", "test_what_is_right and refusal", "tests/contract/test_exchanges.py"],
        cwd=published.ROOT,
        env={**os.environ, "CI": ci, "ENTRA_PIM_REFERENCE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout, done.stdout
    assert published.FILE in done.stdout
