# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup: an access token of a session, for the privileged work itself."""

from __future__ import annotations

DOCUMENTATION = r"""
name: access_token
author:
  - entra.pim contributors (@entra-pim)
short_description: An access token of a PIM session for the privileged work itself
description:
  - Gives a token of a session made by M(entra.pim.pim_connect), for M(ansible.builtin.uri) or another collection.
  - The token is never older than the last activation of that session, so that the activated role is in it.
    Where the session cannot get such a token, the lookup fails rather than giving a stale one.
  - This is the one deliberate door for a token. No module of this collection returns one.
  - The role works at once for a new token. A token that was given out earlier keeps a role until it ends, also after the role was given back.
notes:
  - "Keep the token out of logs: use the lookup inside a task with C(no_log: true), directly in the option that needs it.
    Do not put it into a fact, a variable that is printed, or a registered result, and do not run such a task with C(ANSIBLE_DEBUG)."
  - Lookups run on the controller. A task's C(environment) does not reach them, so name O(session_dir) and other options as keywords,
    or set E(ENTRA_PIM_SESSION_DIR) and the like for the whole run.
options:
  _terms:
    description: The lookup takes no terms, only keywords.
  resource:
    description:
      - The resource the token is for, as its URL.
      - The token has the permissions that the session's account and client have been granted for it.
    type: str
    required: true
extends_documentation_fragment:
  - entra.pim.connection
seealso:
  - module: entra.pim.pim_connect
  - module: entra.pim.pim_role_activation
"""

EXAMPLES = r"""
- name: Read the named locations while Security Reader is active
  ansible.builtin.uri:
    url: https://graph.microsoft.com/v1.0/identity/conditionalAccess/namedLocations
    headers:
      Authorization: "Bearer {{ lookup('entra.pim.access_token', resource='https://graph.microsoft.com') }}"
  register: locations
  no_log: true

- name: The same with a session of another name
  ansible.builtin.uri:
    url: https://graph.microsoft.com/v1.0/identity/conditionalAccess/namedLocations
    headers:
      Authorization: "Bearer {{ lookup('entra.pim.access_token', resource='https://graph.microsoft.com', session='breakglass') }}"
  register: locations
  no_log: true
"""

RETURN = r"""
_raw:
  description: One access token.
  type: list
  elements: str
"""

from ansible.plugins.lookup import LookupBase
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.access_token import OPERATION
from ansible_collections.entra.pim.plugins.plugin_utils._controller.lookups import perform_lookup


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [perform_lookup(OPERATION, terms, kwargs)["access_token"]]
