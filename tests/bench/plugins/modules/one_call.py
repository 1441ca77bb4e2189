# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least a module can be that calls a service with requests."""

from __future__ import annotations

import requests
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: one_call
author: entra.pim contributors (@entra-pim)
short_description: Makes one HTTPS call
description: Measures what every module costs that calls a service.
options:
  url:
    description: What is called.
    type: str
    required: true
  ca_path:
    description: By whose authority it is trusted.
    type: path
    required: true
"""
EXAMPLES = ""
RETURN = ""


def main():
    options = {"url": {"type": "str", "required": True}, "ca_path": {"type": "path", "required": True}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    with requests.Session() as session:
        session.trust_env = False
        session.get(module.params["url"], verify=module.params["ca_path"], timeout=30).raise_for_status()
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
