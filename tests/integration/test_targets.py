# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every target over its edges: its assertions hold, it ran, and no secret is anywhere afterwards."""

from __future__ import annotations

import pytest

from integration import leaks, runs
from tools import layout

EACH = pytest.mark.parametrize(
    ("target", "edge"), [(target, edge) for target in runs.names() for edge in runs.edges(target)]
)


@pytest.mark.parametrize("edge", runs.EDGES)
def test_every_module_is_in_a_target_of_this_edge(edge):
    """Also with an ansible-core that runs only some of the targets."""
    targets = [target for target in runs.names() if edge in runs.edges(target)]
    used = {module for target in targets for module in runs.modules_of(target)}
    assert used == {path.stem for path in (layout.ROOT / "plugins" / "modules").glob("pim_*.py")}


@EACH
def test_target(outcomes, target, edge):
    """A playbook's own assertions are the test; a play that did nothing is a failure."""
    outcome = outcomes(target, edge)
    if outcome.status != 0:
        pytest.fail(f"{outcome.failures()}\nin {outcome.directory}\n{outcome.output[-4000:]}", pytrace=False)
    assert len(outcome.of_our_modules()) > 3, "the target ran next to nothing"
    assert any(record["action"] == "ansible.builtin.assert" for record in outcome.records)


@EACH
def test_no_secret_is_left(outcomes, target, edge):
    outcome = outcomes(target, edge)
    assert outcome.secrets, "no secret was known, so none could be found"
    found = leaks.leaks(outcome.output.encode(), outcome.secrets)
    assert not found, "in the output"
    assert (outcome.directory / "log").stat().st_size > 1000
    found = leaks.leaks_below(outcome.directory, outcome.secrets)
    assert not found, "on the disk"


@EACH
def test_no_fault_of_the_collection(outcomes, target, edge):
    """No traceback, no deprecation, and no failure without a code of the contract."""
    outcome = outcomes(target, edge)
    for record in outcome.of_our_modules():
        results = [record["result"], *record["result"].get("results", [])]
        assert not any(one.get("failure", {}).get("code") == "unexpected" for one in results), record
        assert "Traceback (most" not in str(results), record
