# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of tests and demo: what the machine has set for other purposes must not decide a result."""

from __future__ import annotations

import os
from pathlib import Path

from tools import layout

# Settings of Ansible, of this collection and of other Azure tools, and what tells a program of a managed identity.
_DROPPED_PREFIXES = ("ANSIBLE_", "AZURE_", "ENTRA_PIM_", "IDENTITY_", "IMDS_", "MOLECULE_", "MSI_", "PYTEST_", "PYTHON")
# A CA bundle of the machine's hides a client that does not use the one it was given. (pip has a setting of its own.)
_DROPPED = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE", "VIRTUAL_ENV")
# Where tests/contract finds what it checks against; the collection itself does not read it.
_KEPT = ("ENTRA_PIM_REFERENCE",)


def for_tests(venv: Path) -> dict[str, str]:
    """A copy of this process's environment for programs of ``venv``, which then write below ``.build/`` only.

    PYTHONUNBUFFERED goes with the other ``PYTHON*`` variables: it hides output that arrives too late at a pipe.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or (not name.startswith(_DROPPED_PREFIXES) and name not in _DROPPED)
    }
    if "REQUESTS_CA_BUNDLE" in os.environ:
        environment.setdefault("PIP_CERT", os.environ["REQUESTS_CA_BUNDLE"])

    home = layout.BUILD / "ansible" / venv.name
    temporary = layout.BUILD / "tmp"
    for directory in (home, temporary):
        directory.mkdir(parents=True, exist_ok=True)
    # An empty file: the user's own ~/.ansible.cfg is not read.
    configuration = home / "ansible.cfg"
    configuration.touch()

    path = [str(venv / "bin"), *environment.get("PATH", os.defpath).split(os.pathsep)]
    direct = (environment.get("NO_PROXY") or environment.get("no_proxy") or "").split(",")
    no_proxy = ",".join(dict.fromkeys([*filter(None, direct), "localhost", "127.0.0.1", "::1"]))
    environment.update(
        ANSIBLE_ASYNC_DIR=str(home / "async"),
        ANSIBLE_COLLECTIONS_PATH=str(layout.LINKED_COLLECTIONS),
        ANSIBLE_CONFIG=str(configuration),
        ANSIBLE_HOME=str(home),
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_REMOTE_TMP=str(home / "remote_tmp"),
        LC_ALL="C.UTF-8",
        NO_PROXY=no_proxy,
        no_proxy=no_proxy,
        PATH=os.pathsep.join(dict.fromkeys(path)),
        TMPDIR=str(temporary),
        # Where sessions are kept unless a task says otherwise: not in the user's own state directory.
        XDG_STATE_HOME=str(home / "state"),
    )
    return environment
