# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the lock of a run until the run is over. A program of its own, started by `runs.py`. Private to the collection.

It has inherited the locked file, whose path is its argument. Its standard input is a pipe that nobody writes to, and that ends with the
controller.
"""

from __future__ import annotations

import contextlib
import os
import sys


def main() -> None:
    os.write(1, b".")
    # Who started it reads to the end of it.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    while os.read(0, 1):
        pass
    with contextlib.suppress(OSError):
        os.unlink(sys.argv[1])


if __name__ == "__main__":
    main()
