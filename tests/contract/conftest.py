# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is published, and who may do without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contract import published, published_arm


@pytest.fixture(scope="session")
def graph() -> dict[str, published.Published]:
    """Graph's versions as published. Their file is not part of the project: without it there is nothing to check, except
    in CI, where it has to be there."""
    return published.Published.load(_found(published.FILE))


@pytest.fixture(scope="session")
def arm() -> published_arm.PublishedArm:
    """The same for PIM of Azure resources."""
    return published_arm.PublishedArm.load(_found(published_arm.FILE))


def _found(name: str) -> Path:
    path = published.find(name)
    if path is None:
        reason = f"{name} is neither in ../shared/reference nor where ENTRA_PIM_REFERENCE says"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
