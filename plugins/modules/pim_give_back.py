#!/usr/bin/python
# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation and entry point of pim_give_back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pim_give_back
author:
  - entra.pim contributors (@entra-pim)
short_description: Give back the roles that this playbook run holds
description:
  - Ends the activations that the role P(entra.pim.elevate#role) took for this run of C(ansible-playbook). The role P(entra.pim.restore#role)
    is this module, run once for the play on the controller.
  - A role that was active before stays. So does one that another live run holds; the last of them gives it back.
  - What has expired, or was given back by hand, is ok.
  - What the run took with a session of another account, or of a client that serves another API, is named in a warning. It takes that
    session to give it back.
  - Needs no session where there is nothing to give back.
extends_documentation_fragment:
  - entra.pim.connection
  - entra.pim.failure
  - entra.pim.attributes
  - entra.pim.attributes.actiongroup_pim
  - entra.pim.attributes.two_edges
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
options:
  roles:
    description:
      - Give back only these, as far as this run holds them; of one that it does not hold it warns. Without it, everything it holds.
    type: list
    elements: dict
    suboptions:
      role:
        description: The role, by display name or id.
        type: str
        required: true
      scope:
        description: The scope, by its name, id or path. Without it, any scope (for V(entra_roles), the tenant).
        type: str
      provider:
        description: The API the role belongs to.
        type: str
        choices: [entra_roles, groups, azure_resources]
        default: entra_roles
      duration:
        description: Not used here. What was given to the role P(entra.pim.elevate#role) can be given here as it is.
        type: str
  leftovers:
    description:
      - Give back also what runs took that are gone and did not give it back, as far as it is this account's. The service is looked at
        first. An activation that none of them began is left.
    type: bool
    default: false
  too_early:
    description:
      - What to do with an activation that is younger than five minutes, which Entra refuses to end.
      - V(leave) leaves it to expire and says so; the run goes on holding it. V(wait) waits and tries again; this does not count
        against O(wait_timeout). V(fail) fails.
    type: str
    choices: [leave, wait, fail]
    default: leave
  wait:
    description:
      - Wait until the roles are gone from the service's lists.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for that, at most a year.
    type: int
    default: 300
notes:
  - Only a task inside the controller knows its run. As a module on another machine it gives back leftovers only.
seealso:
  - module: entra.pim.pim_role_activation
  - module: entra.pim.pim_session_info
"""

EXAMPLES = r"""
- name: Give back what this run holds
  entra.pim.pim_give_back:

- name: Give back what earlier runs have left on
  entra.pim.pim_give_back:
    leftovers: true
    too_early: wait
"""

RETURN = r"""
deactivated:
  description:
    - Addresses (C(provider), C(role), C(scope)) of the roles this task ended, by id where two roles of the account share a name.
  returned: always
  type: list
  elements: dict
  sample: [{provider: entra_roles, role: Security Reader, scope: /}]
left_to_expire:
  description: Addresses of those that are too young to be ended.
  returned: always
  type: list
  elements: dict
held_by_others:
  description: Addresses of those that another live run holds. This run holds them no longer.
  returned: always
  type: list
  elements: dict
roles:
  description:
    - The roles as they are now, with the keys that M(entra.pim.pim_role_activation) returns.
    - C(status) is V(left_to_expire) for those too young to be ended.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.entra.pim.plugins.module_utils._pim.module_edge import run_module
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.giving_back import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
