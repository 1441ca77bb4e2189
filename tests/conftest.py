# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of all tests is set here, so that pytest started by hand and ``make test`` are alike."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tools import collection_tree, environment

collection_tree.link()
_ENVIRONMENT = environment.for_tests(Path(sys.prefix))
os.environ.clear()
os.environ.update(_ENVIRONMENT)
# So that the new TMPDIR is looked at.
tempfile.tempdir = None
