# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are. Everything that set-up and tests make is below ``.build/`` in the checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"

MAIN_VENV = BUILD / "venv"
LANES = BUILD / "lanes"
CLIENTS = BUILD / "clients"
GALAXY = BUILD / "galaxy"
LOGS = BUILD / "logs"
REQUIREMENTS = ROOT / "tests" / "requirements"
# For PYTHONPATH: programs then keep what the collection's sources compile to.
KEPT_CODE = ROOT / "tests" / "kept_code"

# For playbooks, pytest and mypy: a tree with the layout Ansible wants, whose last directory is a link to the checkout.
LINKED_COLLECTIONS = BUILD / "collections"
LINKED_COLLECTION = LINKED_COLLECTIONS / "ansible_collections" / "entra" / "pim"

# The directory that the simulator's Python package is imported from.
SIMULATOR = ROOT / "roles" / "simulator" / "files"
