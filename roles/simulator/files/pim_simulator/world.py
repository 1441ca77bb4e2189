# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that changes while the simulator runs, in one place: it can be thrown away and made anew (``reset``)."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

from starlette.requests import Request

from pim_simulator.call_log import CallLog
from pim_simulator.clock import Clock
from pim_simulator.directory import Directory
from pim_simulator.faults import Faults
from pim_simulator.pim.records import Request as PimRequest
from pim_simulator.pim.store import Store
from pim_simulator.pim.stores import build_stores
from pim_simulator.sign_in.access_tokens import AccessTokens
from pim_simulator.sign_in.service import SignInService
from pim_simulator.sign_in.signing import SigningKey
from pim_simulator.tenant.models import TenantFile
from pim_simulator.throttling import Throttling


class World:
    """One tenant and its services. Handlers run in one thread and change it between two awaits: no locks are needed."""

    def __init__(self, tenant: TenantFile) -> None:
        self.tenant = tenant
        self.directory = Directory(tenant)
        self.signing_key = SigningKey()
        self.calls = CallLog()
        self.faults = Faults()
        self.reset()

    def reset(self) -> None:
        """As at the start: tenant, time, calls, faults, no throttling. Address, CA, control key and signing key stay."""
        self.clock = Clock()
        self.directory.restore_users()
        self.mandatory_mfa = self.tenant.behaviour.azure_resources.mandatory_mfa
        self.stores = build_stores(self.directory, self.clock.now())
        tokens = AccessTokens(self.directory, self.stores["entra_roles"], self.clock, self.signing_key)
        self.sign_in = SignInService(self.directory, self.clock, tokens)
        self.throttling = Throttling(self.clock.monotonic)
        self.calls.clear()
        self.faults.clear()
        self.resource_bodies: dict[str, Any] = {
            resource.path: copy.deepcopy(resource.body) for resource in self.tenant.privileged_resources
        }

    def settle(self) -> datetime:
        """Let happen in every area what is due, and tell the time."""
        now = self.clock.now()
        for store in self.stores.values():
            store.settle(now)
        return now

    def find_request(self, request_id: str) -> tuple[Store, PimRequest] | None:
        """A PIM request of any area by its id."""
        for store in self.stores.values():
            found = store.requests.get(request_id.lower())
            if found is not None:
                return store, found
        return None


def base_url_of(request: Request) -> str:
    """The address under which the client reached us (localhost, 127.0.0.1 or ::1), for links in answers."""
    return f"https://{request.url.netloc}"
