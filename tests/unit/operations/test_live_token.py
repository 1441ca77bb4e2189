# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task with a live token pays neither for msal nor for a call to the sign-in service."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

# In a process of its own: in this one, other tests have loaded msal.
TASK = """
import sys
from unit.operations.azure import Azure, AzureRole
from unit.operations.directory import Directory, Role
from unit.operations.world import world_of

for number, (role, kind) in enumerate([(Role("Reader"), Directory), (AzureRole("Reader"), Azure)]):
    here = world_of(f"{sys.argv[1]}-{number}", role, kind=kind)
    result = here.run(role="Reader")
    assert result["changed"], result
    # Any other address would have no answer.
    assert here.directory.calls > 2
loaded = {name.partition(".")[0] for name in sys.modules}
assert "requests" in loaded
sys.exit("msal" in loaded)
"""


@pytest.mark.skipif(importlib.util.find_spec("ansible") is None, reason="an edge needs Ansible")
@pytest.mark.parametrize("edge", ["action", "modules"])
def test_msal_is_not_loaded(tmp_path, edge):
    script = f"import ansible_collections.entra.pim.plugins.{edge}.pim_role_activation\n{TASK}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "state")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
