# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the user's browser, beside the playbook. Private to the collection."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading

# They want the terminal, which the playbook has.
_TEXT_BROWSERS = {"browsh", "elinks", "links", "links2", "lynx", "w3m", "www-browser"}


def open_browser(address: str) -> None:
    """Starts it and does not wait. Where there is none, nothing happens: the address is on the screen, too.

    Python's `webbrowser` chooses it, by $BROWSER and the desktop, in a process of its own: it waits for some browsers, and they print.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("BROWSER", "TERM")}
    # Without TERM it looks for no text browser.
    chosen = [one for one in os.environ.get("BROWSER", "").split(os.pathsep) if one and not _is_text_browser(one)]
    if chosen:
        environment["BROWSER"] = os.pathsep.join(chosen)
    try:
        process = subprocess.Popen(
            # -I: not a webbrowser.py of the directory the playbook lies in.
            [sys.executable, "-I", "-m", "webbrowser", address],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # It outlives the playbook, and Ctrl-C is not meant for it.
            start_new_session=True,
        )
    except OSError:
        return
    # Its end is awaited somewhere, so that no dead process stays.
    threading.Thread(target=process.wait, daemon=True).start()


def _is_text_browser(command: str) -> bool:
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return bool(words) and os.path.basename(words[0]) in _TEXT_BROWSERS
