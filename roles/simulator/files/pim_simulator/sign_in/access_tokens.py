# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access and id tokens: minting them, checking them when they come back, revoking them."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

import jwt

from pim_simulator.callers import Caller
from pim_simulator.clock import Clock
from pim_simulator.directory import Directory, home_ids, is_guest
from pim_simulator.pim.store import Store
from pim_simulator.sign_in.demands import Demands
from pim_simulator.sign_in.resources import GRAPH_APP_ID, GRAPH_HOSTS, Asked, arm_audiences
from pim_simulator.sign_in.sign_ins import SignIn
from pim_simulator.sign_in.signing import SigningKey
from pim_simulator.tenant.models import ServicePrincipal, User

# The address of a client, as the location variant of a challenge tells it (RFC 5737: of nobody).
_SEEN_FROM = "203.0.113.7"
# In the tokens of every member of a tenant, whatever roles they hold.
_MEMBER_WID = "b79fbf4d-3ef9-4689-8143-76b194e85509"

RevocationReason = Literal[
    "TokenIssuedBeforeRevocationTimestamp", "TokenCreatedWithOutdatedPolicies", "LocationConditionEvaluationSatisfied"
]
REVOCATION_REASONS: tuple[RevocationReason, ...] = get_args(RevocationReason)

RefusalReason = Literal["audience", "signature", "malformed", "expired", "revoked"]


class TokenRefused(Exception):
    """A bearer token is not taken. ``message`` is Graph's text, ``reason`` what other APIs make theirs of; ``challenge`` is
    the claims request that would cure it, where there is one."""

    def __init__(self, reason: RefusalReason, message: str, challenge: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.challenge = challenge


class _Issue(NamedTuple):
    """What a token does not tell of its issue: the exact time (the claims have whole seconds, too coarse to tell before from
    after) and the groups its principal was in. ``end`` is its ``exp``."""

    at: datetime
    end: int
    groups: frozenset[str]


class _Revocation(NamedTuple):
    at: datetime
    reason: RevocationReason

    def challenge(self) -> str:
        """The claims request that would cure it: a newer token, and where the place is the reason, the address seen."""
        claims: dict[str, Any] = {"nbf": {"essential": True, "value": str(int(self.at.timestamp()))}}
        if self.reason == "LocationConditionEvaluationSatisfied":
            claims["xms_rp_ipaddr"] = {"value": _SEEN_FROM}
        return json.dumps({"access_token": claims}, separators=(",", ":"))


class AccessTokens:
    """Tokens of one tenant."""

    def __init__(self, directory: Directory, store: Store, clock: Clock, key: SigningKey) -> None:
        self._directory = directory
        self._store = store
        self._clock = clock
        self._key = key
        self._issued: dict[str, _Issue] = {}
        self._revoked: dict[str, _Revocation] = {}

    def for_user(self, sign_in: SignIn, asked: Asked, scopes: tuple[str, ...], demands: Demands) -> str:
        """A delegated token. Roles of the directory are those active at this moment in the whole tenant."""
        user = sign_in.user
        now = self._clock.now()
        claims = self._common(asked.audience, user.id or "", sign_in.client_id, now)
        claims.update(
            idtyp="user",
            amr=sign_in.amr,
            name=user.name,
            scp=" ".join(scopes),
            unique_name=user.home_username or user.username,
            preferred_username=user.home_username or user.username,
            wids=self._wids(user, now),
        )
        if is_guest(user):
            claims["idp"] = _identity_provider(user, self._directory.tenant.tenant_id)
        else:
            claims["upn"] = user.username
        if demands.contexts:
            # only what this very request asked for: a token that was refreshed without asking has none
            claims["acrs"] = sorted(demands.contexts)
        if demands.handles_challenges:
            claims["xms_cc"] = ["CP1"]
        return self._key.sign(claims)

    def for_app(self, app: ServicePrincipal, asked: Asked, demands: Demands) -> str:
        now = self._clock.now()
        claims = self._common(asked.audience, app.id or "", app.client_id, now)
        claims.update(idtyp="app", roles=list(app.graph_permissions), app_displayname=app.name)
        if demands.handles_challenges:
            claims["xms_cc"] = ["CP1"]
        return self._key.sign(claims)

    def id_token(self, sign_in: SignIn, base_url: str, nonce: str | None = None) -> str:
        user = sign_in.user
        now = int(self._clock.now().timestamp())
        tenant_id = self._directory.tenant.tenant_id
        claims: dict[str, Any] = {
            "iss": f"{base_url}/{tenant_id}/v2.0",
            "aud": sign_in.client_id,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "oid": user.id,
            "sub": self._subject(user.id or "", sign_in.client_id),
            "tid": tenant_id,
            "name": user.name,
            "preferred_username": user.home_username or user.username,
            "amr": sign_in.amr,
            "ver": "2.0",
        }
        if is_guest(user):
            claims["idp"] = _identity_provider(user, tenant_id)
        return self._key.sign(claims if nonce is None else {**claims, "nonce": nonce})

    def _common(self, audience: str, object_id: str, client_id: str, now: datetime) -> dict[str, Any]:
        tenant_id = self._directory.tenant.tenant_id
        issued = int(now.timestamp())
        lifetime = int(self._directory.tenant.tokens.access_lifetime.total_seconds())
        uti = uuid.uuid4().hex
        self._issued = (
            {k: v for k, v in self._issued.items() if v.end > issued} if len(self._issued) > 5000 else self._issued
        )
        groups = self._store.area.memberships.groups_of(object_id, now)
        self._issued[uti] = _Issue(now, issued + lifetime, frozenset(groups))
        return {
            "aud": audience,
            # the issuer of the tokens that Graph and ARM take from public clients is this one in every tenant
            "iss": f"https://sts.windows.net/{tenant_id}/",
            "iat": issued,
            "nbf": issued,
            "exp": issued + lifetime,
            "appid": client_id,
            "oid": object_id,
            "sub": self._subject(object_id, audience),
            "tid": tenant_id,
            "uti": uti,
            "ver": "1.0",
        }

    def _subject(self, object_id: str, audience: str) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{object_id}/{audience}").hex

    def _wids(self, user: User, now: datetime) -> list[str]:
        return [*sorted(self._store.active_role_ids(user.id or "", now)), _MEMBER_WID]

    def revoke(self, user: User, reason: RevocationReason) -> None:
        """Access tokens issued until now are refused from now on (by clients' continuous access evaluation)."""
        self._revoked[user.id or ""] = _Revocation(self._clock.now(), reason)

    def open_graph(self, token: str) -> Caller:
        """Who calls Graph with this token. Raises TokenRefused."""
        return self._open(token, (GRAPH_HOSTS[self._directory.tenant.cloud], GRAPH_APP_ID))

    def open_arm(self, token: str) -> Caller:
        """Who calls ARM with this token. Raises TokenRefused."""
        return self._open(token, arm_audiences(self._directory.tenant.cloud))

    def _open(self, token: str, audiences: tuple[str, ...]) -> Caller:
        try:
            claims = self._key.open(token, audiences)
        except jwt.InvalidAudienceError as error:
            raise TokenRefused("audience", "Access token validation failure. Invalid audience.") from error
        except jwt.InvalidSignatureError as error:
            raise TokenRefused("signature", "Access token validation failure. Invalid signature.") from error
        except jwt.PyJWTError as error:
            text = "CompactToken parsing failed: the token is not a well-formed JWT."
            raise TokenRefused("malformed", text) from error
        now = self._clock.now()
        # the service allows some difference between clocks for nbf, none was asked of it for exp
        not_before = datetime.fromtimestamp(claims["nbf"], now.tzinfo) - timedelta(minutes=5)
        if not not_before <= now < datetime.fromtimestamp(claims["exp"], now.tzinfo):
            raise TokenRefused("expired", "Access token has expired or is not yet valid.")
        challenged = "CP1" in claims.get("xms_cc", ())
        issue = self._issued.get(claims["uti"])
        issued = issue.at if issue else datetime.fromtimestamp(claims["iat"], now.tzinfo)
        revoked = self._revoked.get(claims["oid"])
        # challenges come only to clients that said they can handle them; the others keep their token until it ends
        if challenged and revoked is not None and issued <= revoked.at:
            raise TokenRefused(
                "revoked",
                f"Continuous access evaluation resulted in challenge with result: InteractionRequired and code: {revoked.reason}",
                challenge=revoked.challenge(),
            )
        user = self._directory.find_user(claims["oid"])
        return Caller(
            object_id=claims["oid"],
            app_id=claims["appid"],
            username=user.username if user else None,
            permissions=frozenset(claims["scp"].split() if "scp" in claims else claims.get("roles", ())),
            wids=frozenset(claims.get("wids", ())),
            groups=issue.groups if issue else frozenset(),
            amr=frozenset(claims.get("amr", ())),
            acrs=frozenset(claims.get("acrs", ())),
            handles_challenges=challenged,
        )


def _identity_provider(user: User, tenant_id: str) -> str:
    """Where a guest comes from."""
    return f"https://sts.windows.net/{home_ids(user, tenant_id)[1]}/"
