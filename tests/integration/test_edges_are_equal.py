# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task registers is the same over both edges, to the letter, but for what differs between any two runs."""

from __future__ import annotations

import json
import re

import pytest

from integration import runs

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?")
PORT = re.compile(r"(?<=localhost:)\d+")
# of a certificate that each run has of its own
THUMBPRINT = re.compile(r"\b[0-9A-F]{64}\b")
# of a task with `async`, which is a module on both edges
JOB = re.compile(r"j\d+\.\d+")


def plain(outcome):
    """The results of our modules in order, with run-dependent texts replaced; ids by their order of appearance."""
    text = json.dumps(outcome.of_our_modules(), sort_keys=True, indent=1)
    text = text.replace(str(outcome.directory), "DIRECTORY")
    text = JOB.sub("JOB", text)
    text = re.sub(r"[^\"\s]*/pim-simulator-[^/]+/", "SIMULATOR/", text)
    text = THUMBPRINT.sub("THUMBPRINT", TIME.sub("TIME", PORT.sub("PORT", text)))
    seen = {}
    return GUID.sub(lambda found: seen.setdefault(found.group(), f"ID{len(seen)}"), text).splitlines()


EQUAL = [name for name in runs.names() if runs.edges(name) and not runs.settings(name).get("edges_differ")]


@pytest.mark.parametrize("target", EQUAL)
def test_results_are_equal(outcomes, target):
    controller, module = (plain(outcomes(target, edge)) for edge in runs.EDGES)
    assert len(controller) > 10
    assert controller == module
