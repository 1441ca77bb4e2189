# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the roles of one provider in a process of its own, and tell what it took: ``python -m bench.list_reader PROVIDER``.

The session is in ``ENTRA_PIM_SESSION_DIR``. Prints JSON: rows, seconds of wall clock and of CPU, and how many bytes the process grew.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

from ansible.module_utils.common.parameters import remove_values
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import role_info
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock


def _peak() -> int:
    """Bytes. The peak of getrusage holds what the process was forked from, too; this one begins with the program."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise SystemExit("/proc/self/status does not tell the peak of the memory")
    return int(found.group(1)) * 1024


def main(provider: str) -> None:
    params = {name: option.get("default") for name, option in role_info.spec()["argument_spec"].items()}
    context = Context(clock=Clock(time.time, time.monotonic, time.sleep), environ=os.environ)
    before, started, used = _peak(), time.monotonic(), time.process_time()
    result = perform(role_info.OPERATION, {**params, "providers": [provider]}, context)
    if result.get("failed"):
        raise SystemExit(result["msg"])
    seconds, cpu = time.monotonic() - started, time.process_time() - used
    # Both edges mask a result and hand it on as JSON: that is part of the peak.
    json.dumps(remove_values(result, {"a-secret-of-nobody"}))
    told = {
        "rows": len({(row["role_id"], row["scope"]) for row in result["roles"]}),
        "seconds": seconds,
        "cpu": cpu,
        "bytes": _peak() - before,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
