# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program, and tell what it and all that it started took: ``measured.py RESULT SECONDS PROGRAM [ARGUMENT ...]``.

RESULT is a file for JSON: ``status``, ``seconds`` (wall clock), ``cpu`` (seconds, children included), ``memory`` (bytes, the peak of
the largest process). A program of its own, and small: what the kernel keeps of the peak includes that of whoever starts a
process, and this one is smaller than all that it measures. Where the time is over the program is ended, and status is null.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time


def main(result, limit, command):
    started = time.monotonic()
    # a session of its own, so that at the end nothing of it is left
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        status = process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        status = None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    seconds = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {
        "status": status,
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss * 1024,
    }
    with open(result, "w", encoding="ascii") as file:
        json.dump(told, file)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
