# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credentials a task has: its own, or the environment's. Private to the collection. No call is made here.

Rules: interface, section 2. Credentials on the task silence all of the environment; `AZURE_*` come last, because many have them set
for other collections, and the user name and client id beside an `AZURE_*` secret belong to that secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import PimError, invalid_option

TASK = "the task"
OWN = "ENTRA_PIM_*"
AZURE = "AZURE_*"

# Microsoft Graph Command Line Tools: a public client of Microsoft's that can be granted the PIM permissions on Graph.
GRAPH_COMMAND_LINE_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

# Secret option -> method, in the order in which `auto` takes them.
SECRETS = {"access_token": "access_token", "client_secret": "client_secret", "password": "password"}
METHODS = ("auto", "device_code", *sorted(SECRETS.values()))
_VARIABLES: dict[str, dict[str, tuple[str, ...]]] = {
    OWN: {
        "access_token": ("ENTRA_PIM_ACCESS_TOKEN",),
        "client_secret": ("ENTRA_PIM_CLIENT_SECRET",),
        "password": ("ENTRA_PIM_PASSWORD",),
        "username": ("ENTRA_PIM_USERNAME",),
        "client_id": ("ENTRA_PIM_CLIENT_ID",),
    },
    AZURE: {
        "client_secret": ("AZURE_CLIENT_SECRET", "AZURE_SECRET"),
        "password": ("AZURE_PASSWORD",),
        "username": ("AZURE_USERNAME", "AZURE_AD_USER"),
        "client_id": ("AZURE_CLIENT_ID",),
    },
}
# Set for this collection, but for sign-in methods it does not have: not to be passed over in silence.
_NOT_HERE = ("ENTRA_PIM_CERTIFICATE_PATH", "ENTRA_PIM_CERTIFICATE_PASSWORD", "ENTRA_PIM_FEDERATED_TOKEN_FILE")
# Secrets of other methods that the `AZURE_CLIENT_ID` beside them belongs to.
_AZURE_OTHERS = ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE")


@dataclass(frozen=True)
class Credential:
    method: str
    source: str
    secret: str = field(repr=False)
    username: str | None
    client_id: str | None


@dataclass(frozen=True)
class Credentials:
    """What the task and its environment bring, by source, and who is named without a secret."""

    task: Credential | None
    own: Credential | None
    azure: Credential | None
    # Named by option or environment, and not part of a silenced secret: a session has to fit them.
    username: str | None
    client_id: str | None
    # The option or variable that names each of these.
    origin: Mapping[str, str]
    # The method asked for, where one was.
    method: str | None
    # A session is named, so credentials of the environment do not count.
    silenced: bool

    def looked_at(self) -> str:
        """For the failure message: what was tried."""
        if self.silenced:
            return (
                "credentials on the task, and the session, which is named: credentials of the environment do not count"
            )
        return "credentials on the task, ENTRA_PIM_* credentials, the session, AZURE_* credentials"


def variable(environ: Mapping[str, str], *names: str) -> str | None:
    """The first of these variables that is set and not empty."""
    return next((environ[name] for name in names if environ.get(name)), None)


def secrets_in(options: Mapping[str, Any], environ: Mapping[str, str]) -> set[str]:
    """Every secret in reach of the task, for masking."""
    names = [
        name
        for variables in _VARIABLES.values()
        for option, found in variables.items()
        if option in SECRETS
        for name in found
    ]
    return {
        str(value)
        for value in [*(options.get(option) for option in SECRETS), *(environ.get(name) for name in names)]
        if value
    }


def gather(options: Mapping[str, Any], environ: Mapping[str, str], *, silenced: bool) -> Credentials:
    """Raises `invalid_option` for what contradicts itself or cannot work.

    `silenced`: a session is named, so credentials of the environment do not count.
    """
    method = _method(options, environ)
    counts = not silenced and not any(options.get(option) for option in SECRETS)
    azure = _from_environment(AZURE, environ, method, options.get("username"), options.get("client_id"))
    named = {option: _named(option, options, environ, own_counts=counts) for option in ("username", "client_id")}
    (username, username_from), (client_id, client_id_from) = named["username"], named["client_id"]
    task = _from_task(options, environ, client_id)
    own = None
    if counts:
        _refuse_what_is_not_here(environ)
        own = _from_environment(OWN, environ, method, username, client_id)
    origin = {"username": username_from, "client_id": client_id_from}
    return Credentials(task, own, None if silenced else azure, username, client_id, origin, method, silenced)


def _named(
    option: str, options: Mapping[str, Any], environ: Mapping[str, str], *, own_counts: bool
) -> tuple[str | None, str]:
    """`username` or `client_id`, and where it comes from.

    One that stands beside a secret in the environment belongs to that secret, and is silenced with it. `AZURE_*` secrets have
    their own turn, so what stands beside them never counts here.
    """
    if options.get(option):
        return options[option], option
    for source in (OWN, AZURE):
        secret = "password" if option == "username" else "client_secret"
        others = _AZURE_OTHERS if source == AZURE and option == "client_id" else ()
        belongs = variable(environ, *_VARIABLES[source][secret], *others) is not None
        if source == AZURE and option == "client_id":
            belongs = belongs or _from_environment(AZURE, environ, None, None, None) is not None
        if belongs and not (source == OWN and own_counts):
            continue
        for name in _VARIABLES[source][option]:
            if environ.get(name):
                return environ[name], name
    return None, option


def _refuse_what_is_not_here(environ: Mapping[str, str]) -> None:
    for name in _NOT_HERE:
        if environ.get(name):
            raise PimError(
                "invalid_option",
                f"{name} is set, but this version of entra.pim signs in by {', '.join(METHODS)} only",
                advice="Unset it.",
            )


def _method(options: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    method = options.get("auth_method") or environ.get("ENTRA_PIM_AUTH_METHOD")
    if method and method not in METHODS:
        raise invalid_option(
            "auth_method", method, f"(from ENTRA_PIM_AUTH_METHOD) it must be one of {', '.join(METHODS)}"
        )
    return method if method != "auto" else None


def _from_task(options: Mapping[str, Any], environ: Mapping[str, str], client_id: str | None) -> Credential | None:
    given = [option for option in SECRETS if options.get(option)]
    if len(given) > 1:
        raise _contradiction(f"{' and '.join(given)} are both given")
    secret = given[0] if given else None
    method = options.get("auth_method")
    if method in (None, "auto"):
        method = SECRETS[secret] if secret else None
    elif secret and SECRETS[secret] != method:
        raise _contradiction(f"auth_method={method} and {secret} are both given")
    if options.get("username") and method == "client_secret":
        raise _contradiction("a client secret belongs to an application, username to a person, and both are given")
    if secret is None:
        return None
    username = options.get("username") or (environ.get("ENTRA_PIM_USERNAME") if method == "password" else None)
    _check_complete(method, TASK, username, client_id)
    return Credential(str(method), TASK, options[secret], username, client_id)


def _from_environment(
    source: str, environ: Mapping[str, str], method: str | None, username: str | None, client_id: str | None
) -> Credential | None:
    """The best credential of one source; incomplete ones of `AZURE_*` are another collection's and passed over."""
    names = _VARIABLES[source]
    for option, its_method in SECRETS.items():
        value = variable(environ, *names.get(option, ()))
        if not value or (method and method != its_method):
            continue
        who = variable(environ, *names["username"]) if source == AZURE and not username else username
        client = variable(environ, *names["client_id"]) if source == AZURE and not client_id else client_id
        if source == OWN:
            _check_complete(its_method, source, who, client)
        elif (its_method == "password" and not who) or (its_method == "client_secret" and not client):
            continue
        return Credential(its_method, source, value, who if its_method != "client_secret" else None, client)
    return None


def _check_complete(method: str | None, source: str, username: str | None, client_id: str | None) -> None:
    if method == "password" and not username:
        raise PimError(
            "invalid_option", f"A password is given by {source}, but no username", advice="Give username too."
        )
    if method == "client_secret" and not client_id:
        raise PimError(
            "invalid_option", f"A client secret is given by {source}, but no client_id", advice="Give client_id too."
        )


def _contradiction(what: str) -> PimError:
    return PimError(
        "invalid_option", f"The credentials contradict each other: {what}", advice="Give one kind of credential only."
    )
