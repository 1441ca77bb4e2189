# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator with msal, the library that real clients sign in with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msal
import pytest

from simulator.service_client import CLI, GRAPH, OPERATOR, PortKeeper, claims_of
from simulator_process import Simulator

SCOPES = [f"{GRAPH}/RoleAssignmentSchedule.ReadWrite.Directory", f"{GRAPH}/RoleEligibilitySchedule.Read.Directory"]
WANT_C1 = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def application(simulator: Simulator) -> Callable[..., Any]:
    def make(tenant: str = simulator.tenant_id, **options: Any) -> Any:
        return msal.PublicClientApplication(
            CLI,
            authority=f"{simulator.url}/{tenant}",
            instance_discovery=False,
            http_client=PortKeeper(simulator),
            client_capabilities=["CP1"],
            **options,
        )

    return make


def test_password_cache_and_refresh(application: Callable[..., Any], simulator: Simulator) -> None:
    app = application()
    result = app.acquire_token_by_username_password(OPERATOR, "Sim-operator-password-1", SCOPES)
    assert claims_of(result["access_token"])["xms_cc"] == ["CP1"]
    account = app.get_accounts()[0]
    assert account["username"] == OPERATOR
    simulator.control("DELETE", "calls")
    assert app.acquire_token_silent(SCOPES, account)["access_token"] == result["access_token"]
    assert simulator.calls() == [], "the token is found in the cache by its scopes"
    fresh = app.acquire_token_silent(SCOPES, account, force_refresh=True)
    assert fresh["access_token"] != result["access_token"]


def test_oidc_authority(simulator: Simulator) -> None:
    """msal checks the issuer of such an authority."""
    app = msal.PublicClientApplication(
        CLI, oidc_authority=f"{simulator.url}/{simulator.tenant_id}/v2.0", http_client=PortKeeper(simulator)
    )
    assert app.initiate_device_flow(SCOPES)["user_code"]


def test_device_code_with_claims(application: Callable[..., Any], simulator: Simulator) -> None:
    app = application(tenant="organizations")
    flow = app.initiate_device_flow(SCOPES, claims_challenge=WANT_C1)
    order = {"decision": "approve", "username": OPERATOR}
    simulator.control("POST", f"device_codes/{flow['user_code']}", order)
    result = app.acquire_token_by_device_flow(flow, claims_challenge=WANT_C1)
    assert claims_of(result["access_token"])["acrs"] == ["c1"]


@pytest.mark.filterwarnings("ignore:Attempted too soon:UserWarning")
def test_device_code_pending_then_declined(application: Callable[..., Any], simulator: Simulator) -> None:
    app = application()
    flow = app.initiate_device_flow(SCOPES)
    pending = app.acquire_token_by_device_flow(flow, exit_condition=lambda _flow: True)
    assert pending["error"] == "authorization_pending"
    simulator.control("POST", f"device_codes/{flow['user_code']}", {"decision": "decline"})
    declined = app.acquire_token_by_device_flow(flow, exit_condition=lambda _flow: True)
    assert declined["error"] == "authorization_declined"


def test_silent_step_up_is_refused_with_the_claims(application: Callable[..., Any]) -> None:
    app = application()
    app.acquire_token_by_username_password(OPERATOR, "Sim-operator-password-1", SCOPES)
    account = app.get_accounts()[0]
    result = app.acquire_token_silent_with_error(SCOPES, account, claims_challenge=WANT_C1)
    assert result["error"] == "interaction_required"
    assert json.loads(result["claims"])["access_token"]["acrs"]["value"] == "c1"


def test_client_secret(simulator: Simulator) -> None:
    app = msal.ConfidentialClientApplication(
        "915d4fbe-60d8-4c71-8eaa-df4280b35e96",
        client_credential="Sim-reporting-secret-1",
        authority=f"{simulator.url}/{simulator.tenant_id}",
        instance_discovery=False,
        http_client=PortKeeper(simulator),
    )
    result = app.acquire_token_for_client([f"{GRAPH}/.default"])
    assert claims_of(result["access_token"])["idtyp"] == "app"
    assert app.acquire_token_for_client([f"{GRAPH}/.default"])["token_source"] == "cache"


def test_a_policy_that_is_ordered_meanwhile(application: Callable[..., Any], simulator: Simulator) -> None:
    app = application()
    app.acquire_token_by_username_password(OPERATOR, "Sim-operator-password-1", SCOPES)
    (account,) = app.get_accounts()
    simulator.control("POST", "conditional_access", {"name": "MFA for all"})
    refused = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert (refused["error"], refused["error_codes"]) == ("interaction_required", [50076])
    assert json.loads(refused["claims"])["access_token"]["capolids"]["essential"] is True
    flow = app.initiate_device_flow(SCOPES, claims_challenge=refused["claims"])
    simulator.control("POST", f"device_codes/{flow['user_code']}", {"decision": "approve", "username": OPERATOR})
    result = app.acquire_token_by_device_flow(flow, claims_challenge=refused["claims"])
    assert "mfa" in claims_of(result["access_token"])["amr"]
    again = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert "mfa" in claims_of(again["access_token"])["amr"]


def test_a_guest_is_one_account(application: Callable[..., Any], simulator: Simulator) -> None:
    """msal keeps accounts by what the home tenant calls them, and finds the guest again."""
    app = application()
    result = app.acquire_token_by_username_password("guest@fabrikam.example", "Sim-guest-password-1", SCOPES)
    assert result["id_token_claims"]["tid"] == simulator.tenant_id
    (account,) = app.get_accounts("guest@fabrikam.example")
    assert not account["home_account_id"].endswith(simulator.tenant_id)
    refreshed = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert claims_of(refreshed["access_token"])["oid"] == claims_of(result["access_token"])["oid"]
