# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made again is on the screen of those who ask for more, over both edges alike."""

from __future__ import annotations

import re

import pytest

from integration import leaks, runs

TOLD = (
    r"\$batch: 1 of \d calls were answered with HTTP 429; trying again in 1\.\d s",
    r"POST: https://localhost:\d+/v1\.0/roleManagement/directory/roleAssignmentScheduleRequests answered with HTTP 429; "
    r"trying again in 1\.\d s",
    r"Security Reader at /: what became of the request is not known; looking for it first",
)


@pytest.mark.parametrize("edge", runs.EDGES)
@pytest.mark.parametrize(("verbosity", "shown"), [("-v", 0), ("-vv", 1)])
def test_shown_to_those_who_ask(tmp_path, edge, verbosity, shown):
    outcome = runs.run("repeats", edge, tmp_path / "run", verbosity)
    assert outcome.status == 0, outcome.failures()
    assert [len(re.findall(told, outcome.output)) for told in TOLD] == [shown] * len(TOLD), outcome.output
    assert leaks.leaks(outcome.output.encode(), outcome.secrets) == []
