# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What forks tell at the same time arrives whole, and more than a pipe would hold."""

from __future__ import annotations

import multiprocessing

from ansible_collections.entra.pim.plugins.module_utils._pim.state.facts import Facts

FORKS = 8
EACH = 500


def _tell(facts: Facts, fork: int) -> None:
    for number in range(EACH):
        facts.tell({"fork": fork, "number": number, "path": "x" * 100})


def test_forks_tell_at_the_same_time():
    facts = Facts()
    assert facts.all() == []
    context = multiprocessing.get_context("fork")
    forks = [context.Process(target=_tell, args=(facts, fork)) for fork in range(FORKS)]
    for fork in forks:
        fork.start()
    for fork in forks:
        fork.join()
    told = facts.all()
    for fork in range(FORKS):
        assert [fact["number"] for fact in told if fact["fork"] == fork] == list(range(EACH))
    assert facts.all() == told
