# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions on the disk: one JSON file each, 0600, in the session directory. Private to the collection.

A session holds what a sign-in gave: who, where, and the tokens. It holds no password, no client secret, no certificate.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import PimError
from ..models import CLOUD_NAMES
from ..times import Clock, is_timestamp
from . import files

FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
# Longer than one refresh with all its repeats; no lock is held while a person signs in.
LOCK_TIMEOUT = 100.0


@dataclass
class Token:
    """An access token for one audience; times are seconds since 1970 on this machine's clock."""

    access_token: str = field(repr=False)
    obtained_at: float
    expires_at: float
    scopes: list[str] = field(default_factory=list)


@dataclass
class Session:
    name: str
    tenant_id: str
    # The tenant as it was asked for, beside its GUID: both name it later.
    tenant_names: list[str]
    object_id: str
    username: str | None
    principal_type: str
    auth_method: str
    client_id: str | None
    cloud: str
    authority_url: str
    graph_url: str
    arm_url: str
    ca_path: str | None
    mfa: bool | None
    authentication_contexts: list[str]
    # Claims the sign-in was asked for (a JSON text); a refresh without them would lose what they gained.
    claims: str | None
    # By API (`graph`, `arm`) for PIM itself, and by resource URL for the lookup.
    tokens: dict[str, Token]
    # By API: the scopes asked for, always the same ones, so that no older token of another set is picked up.
    scopes: dict[str, list[str]]
    refresh_token: str | None = field(default=None, repr=False)
    # For a method that gets new tokens by itself, without a person and without a secret: what it needs to ask again, such as a path.
    renews_with: dict[str, str] | None = None
    # When this session last switched a role on (seconds since 1970): a token from before does not carry the role.
    activated_at: float = 0.0
    # No refresh is to be had any more. What is left works until its tokens end, and `pim_connect` signs in again at once.
    ended: bool = False

    def end(self) -> None:
        """To be called where the sign-in itself was refused, not one token of it."""
        self.refresh_token = self.renews_with = None
        self.ended = True

    @property
    def can_refresh(self) -> bool:
        return self.refresh_token is not None or self.renews_with is not None

    def differs_from(self, other: Session) -> str | None:
        """What of the two is not the same, so that neither's tokens are the other's; None where nothing is."""
        # Ready tokens of one account may have been obtained by several clients.
        by_client: tuple[str, ...] = () if self.auth_method == other.auth_method == "access_token" else ("client_id",)
        for name in ("tenant_id", "object_id", *by_client, "cloud", "authority_url", "graph_url", "arm_url"):
            if getattr(self, name) != getattr(other, name):
                return name
        return None

    def alive(self, now: float) -> bool:
        """Whether it works without a new sign-in, as far as known; `now` in seconds since 1970."""
        return self.can_refresh or any(token.expires_at > now for token in self.tokens.values())


class Sessions:
    """The sessions in one directory."""

    def __init__(self, directory: str, clock: Clock) -> None:
        self.directory = directory
        self._clock = clock

    def path(self, name: str) -> str:
        return os.path.join(self.directory, f"{name}.json")

    def load(self, name: str) -> Session | None:
        if not files.check_directory(self.directory, create=False):
            return None
        content = files.read(self.path(name))
        return None if content is None else _parse(self.path(name), name, content)

    def save(self, session: Session) -> None:
        """To be called with the lock held, or for a session just made."""
        files.check_directory(self.directory, create=True)
        content = {"format": FORMAT, **dataclasses.asdict(session)}
        files.write(self.path(session.name), json.dumps(content, indent=1, sort_keys=True).encode())

    def remove(self, name: str) -> bool:
        """Every trace of the session: its file, what a killed writer left, its lock."""
        if not self.exists(name):
            return False
        with self.locked(name):
            found = files.remove(self.path(name))
            for other in files.names(self.directory):
                if other.startswith(f".{name}.json.") and other.endswith(".tmp"):
                    found = files.remove(os.path.join(self.directory, other)) or found
            files.remove(self._lock_path(name))
        return found

    def exists(self, name: str) -> bool:
        """True where anything of the session lies in the directory, readable or not."""
        if not files.check_directory(self.directory, create=False):
            return False
        return any(
            other == f"{name}.json" or (other.startswith(f".{name}.json.") and other.endswith(".tmp"))
            for other in files.names(self.directory)
        )

    def names(self) -> list[str]:
        if not files.check_directory(self.directory, create=False):
            return []
        found = [name[:-5] for name in files.names(self.directory) if name.endswith(".json")]
        return [name for name in found if NAME.fullmatch(name)]

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        files.check_directory(self.directory, create=True)
        with files.locked(self._lock_path(name), self._clock, LOCK_TIMEOUT):
            yield

    def _lock_path(self, name: str) -> str:
        return os.path.join(self.directory, f".{name}.lock")


def _parse(path: str, name: str, content: bytes) -> Session:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise _corrupt(path) from None
    if not isinstance(body, dict):
        raise _corrupt(path)
    if body.get("format") != FORMAT:
        raise files.unusable(path, "it was written by another version of entra.pim")
    values: dict[str, Any] = {key: value for key, value in body.items() if key != "format"}
    try:
        values["tokens"] = {key: _token(one) for key, one in values["tokens"].items()}
        session = Session(**values)
    except (KeyError, TypeError, AttributeError):
        raise _corrupt(path) from None
    if session.name != name or not _sound(session):
        raise _corrupt(path)
    return session


def _token(values: Mapping[str, Any]) -> Token:
    token = Token(**values)
    if not (
        _text(token.access_token)
        and is_timestamp(token.obtained_at)
        and is_timestamp(token.expires_at)
        and _texts(token.scopes)
    ):
        raise TypeError("token")
    return token


def _sound(session: Session) -> bool:
    """Whether each value has the type this program gave it."""
    texts = (
        session.tenant_id, session.object_id, session.principal_type, session.auth_method, session.cloud,
        session.authority_url, session.graph_url, session.arm_url,
    )  # fmt: skip
    maybe_texts = (session.username, session.client_id, session.ca_path, session.refresh_token)
    return (
        all(_text(value) for value in texts)
        and all(value is None or _text(value) for value in maybe_texts)
        and (session.claims is None or _json_object(session.claims))
        and session.cloud in CLOUD_NAMES
        and (session.mfa is None or isinstance(session.mfa, bool))
        and isinstance(session.ended, bool)
        and _texts(session.tenant_names)
        and _texts(session.authentication_contexts)
        and isinstance(session.scopes, dict)
        and all(_texts(value) for value in session.scopes.values())
        and is_timestamp(session.activated_at)
        and (session.renews_with is None or _texts_by_name(session.renews_with))
    )


def _json_object(value: object) -> bool:
    """Whether it is the text of a JSON object."""
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False


def _text(value: object) -> bool:
    return isinstance(value, str)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _texts_by_name(value: object) -> bool:
    return isinstance(value, dict) and _texts(list(value.values()))


def _corrupt(path: str) -> PimError:
    return files.unusable(path, "its content is damaged")
