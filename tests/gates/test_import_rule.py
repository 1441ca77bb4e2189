# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The import rule holds in every file of ``plugins/``, and its checker finds what it is there to find."""

from __future__ import annotations

import pytest

from gates.import_rule import faults
from tools import collection_tree, layout

_SOURCES = [str(name) for name in collection_tree.files() if name.parts[0] == "plugins" and name.suffix == ".py"]

# room, a line of code in it, a part of what is said about it
_OFFENCES = [
    ("errors.py", "from . import transport", "pure"),
    ("plans/activation.py", "from ..state import journal", "pure"),
    ("models.py", "from .providers.base import Provider", "pure"),
    ("state/files.py", "from ..transport import Transport", "downward"),
    ("api/graph.py", "from ..operations import activation", "downward"),
    ("providers/base.py", "from ..module_edge import run", "downward"),
    ("transport.py", "from ansible_collections.entra.pim.plugins.module_utils._pim import sign_in", "downward"),
    ("operations/connect.py", "from ansible.module_utils.basic import AnsibleModule", "Ansible"),
    ("operations/connect.py", "import ansible.constants", "Ansible"),
    ("api/graph.py", "from ansible.module_utils.common.parameters import env_fallback", "Ansible"),
    ("api/graph.py", "import requests", "network"),
    ("api/graph.py", "from urllib.request import urlopen", "network"),
    ("sign_in/tokens.py", "def fetch():\n    import http.client", "network"),
    ("sign_in/tokens.py", "import msal", "msal"),
    ("operations/connect.py", "def run():\n    from msal import PublicClientApplication", "msal"),
    ("operations/connect.py", "print('signed in')", "print"),
    ("operations/connect.py", "import sys\nsys.stderr.write('x')", "sys.stderr"),
    ("transport.py", "import time\ntime.sleep(1)", "time.sleep"),
    ("transport.py", "from time import sleep as pause\npause(1)", "time.sleep"),
    ("transport.py", "import time\ndef wait(sleep=time.sleep): ...", "time.sleep"),
    ("times.py", "from datetime import datetime, timezone\ndatetime.now(timezone.utc)", "datetime.datetime.now"),
    ("sign_in/clouds.py", "import os\nos.environ.get('X')", "os.environ"),
    ("sign_in/clouds.py", "from os import getenv\ngetenv('X')", "os.getenv"),
    ("operations/connect.py", "open('x', 'w')", "disk"),
    ("operations/connect.py", "def f(mode):\n    open('x', mode)", "disk"),
    ("operations/connect.py", "import os\nos.replace('a', 'b')", "disk"),
    ("sign_in/tokens.py", "def f(path):\n    path.write_text('x')", "disk"),
    ("sign_in/tokens.py", "def f(path):\n    path.open(mode='a')", "disk"),
    ("sign_in/tokens.py", "import tempfile", "disk"),
    ("operations/activation.py", "def f(address):\n    return address.provider == 'groups'", "providers/"),
    ("api/graph.py", "def f(provider):\n    return provider in ('groups', 'entra_roles')", "providers/"),
]

_ALLOWED = [
    ("operations/connect.py", "from ansible.module_utils.common.parameters import env_fallback"),
    ("operations/connect.py", "from ..state import sessions\nfrom ..plans import activation\nfrom .. import errors"),
    ("plans/activation.py", "from ..models import RoleAddress\nfrom ..times import format_time"),
    ("sign_in/tokens.py", "def fetch():\n    import msal\n    return msal"),
    ("sign_in/tokens.py", "def read(path):\n    with open(path, 'rb') as stream:\n        return stream.read()"),
    ("transport.py", "import requests\nfrom .errors import PimError"),
    ("state/files.py", "import os, tempfile\nos.replace('a', 'b')\nopen('x', 'w')"),
    ("providers/groups.py", "def f(address):\n    return address.provider == 'groups'"),
    ("module_edge.py", "from ansible.module_utils.basic import AnsibleModule\nfrom .operations import connect"),
    ("times.py", "def f(text):\n    return text.replace('a', 'b')"),
]


@pytest.mark.parametrize("name", _SOURCES)
def test_import_rule(name):
    assert faults(name, (layout.ROOT / name).read_text()) == []


def test_there_are_sources_in_every_depth():
    rooms = {
        name.split("/")[3].removesuffix(".py") for name in _SOURCES if name.startswith("plugins/module_utils/_pim/")
    }
    assert rooms >= {"operations", "plans", "providers", "api", "sign_in", "transport", "state", "models", "errors"}


@pytest.mark.parametrize(("room", "code", "said"), _OFFENCES)
def test_an_offence_is_found(room, code, said):
    found = faults(f"plugins/module_utils/_pim/{room}", code)
    assert len(found) == 1, found
    assert said in found[0]


@pytest.mark.parametrize(("room", "code"), _ALLOWED)
def test_what_is_allowed_is_not_found(room, code):
    assert faults(f"plugins/module_utils/_pim/{room}", code) == []


@pytest.mark.parametrize(
    "edge", ["modules/pim_connect.py", "action/pim_connect.py", "lookup/access_token.py", "callback/safety_net.py"]
)
def test_an_edge_does_not_import_another(edge):
    other = "action" if edge.startswith("modules") else "modules"
    found = faults(f"plugins/{edge}", f"from ansible_collections.entra.pim.plugins.{other} import pim_connect")
    assert len(found) == 1
    assert "downward" in found[0]


def test_a_room_that_is_not_in_the_plan_is_refused():
    with pytest.raises(LookupError, match="helpers"):
        faults("plugins/module_utils/_pim/helpers.py", "")
