# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credentials a task has: its own, or the environment's. Private to the collection. No call is made here.

Rules: interface, section 2. Credentials on the task silence all of the environment; `AZURE_*` come last but one, because many have
them set for other collections, and the user name and client id beside an `AZURE_*` secret belong to that secret. What the platform
itself offers, a managed identity, comes last.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import PimError, invalid_option

TASK = "the task"
OWN = "ENTRA_PIM_*"
AZURE = "AZURE_*"
PLATFORM = "the platform"

# Microsoft Graph Command Line Tools: a public client of Microsoft's that can be granted the PIM permissions on Graph.
GRAPH_COMMAND_LINE_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

# Option -> the method it is a credential for, in the order in which `auto` takes them.
CREDENTIALS = {
    "access_token": "access_token",
    "client_secret": "client_secret",
    "certificate_path": "certificate",
    "federated_token_file": "workload_identity",
    "password": "password",
}
# Options that are secrets themselves; the others name a file.
SECRETS = ("access_token", "client_secret", "certificate_password", "password")
# Applications sign in by these; what each is called in a message.
APPLICATIONS = {
    "client_secret": "a client secret",
    "certificate": "a certificate",
    "workload_identity": "a federated token",
    "managed_identity": "a managed identity",
}
# Those that have to be named by client and tenant: nothing else knows them.
REGISTERED = ("client_secret", "certificate", "workload_identity")
# These need nothing of the task, because the machine has it: to name one is to give it.
OF_THE_MACHINE = ("managed_identity", "azure_cli")
# Somebody else gets the token from the sign-in service, by a client of their own.
GIVEN_BY_OTHERS = ("access_token", *OF_THE_MACHINE)
# A person is asked on the screen; what they would not see where there is none.
ON_SCREEN = {"device_code": "the code", "interactive": "the address"}
METHODS = (
    "auto",
    *ON_SCREEN,
    "password",
    "client_secret",
    "certificate",
    "workload_identity",
    "managed_identity",
    "azure_cli",
    "access_token",
)
_VARIABLES: dict[str, dict[str, tuple[str, ...]]] = {
    OWN: {
        "access_token": ("ENTRA_PIM_ACCESS_TOKEN",),
        "client_secret": ("ENTRA_PIM_CLIENT_SECRET",),
        "certificate_path": ("ENTRA_PIM_CERTIFICATE_PATH",),
        "certificate_password": ("ENTRA_PIM_CERTIFICATE_PASSWORD",),
        "federated_token_file": ("ENTRA_PIM_FEDERATED_TOKEN_FILE",),
        "password": ("ENTRA_PIM_PASSWORD",),
        "username": ("ENTRA_PIM_USERNAME",),
        "client_id": ("ENTRA_PIM_CLIENT_ID",),
    },
    AZURE: {
        "client_secret": ("AZURE_CLIENT_SECRET", "AZURE_SECRET"),
        "certificate_path": ("AZURE_CLIENT_CERTIFICATE_PATH",),
        "certificate_password": ("AZURE_CLIENT_CERTIFICATE_PASSWORD",),
        "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
        "password": ("AZURE_PASSWORD",),
        "username": ("AZURE_USERNAME", "AZURE_AD_USER"),
        "client_id": ("AZURE_CLIENT_ID",),
    },
}
# What a user name or client id beside it in the environment belongs to.
_OWNERS = {
    "username": ("password",),
    "client_id": tuple(option for option, method in CREDENTIALS.items() if method in REGISTERED),
}
# By these a platform says that it has a managed identity to offer: App Service and Service Fabric, Machine Learning, Arc, pods.
# Cloud Shell sets MSI_ENDPOINT alone, and a virtual machine nothing.
_ADVERTISED = (
    ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
    ("MSI_ENDPOINT", "MSI_SECRET"),
    ("IDENTITY_ENDPOINT", "IMDS_ENDPOINT"),
    ("AZURE_POD_IDENTITY_AUTHORITY_HOST",),
)


_IN_A_PATH = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)


@dataclass(frozen=True)
class Credential:
    """`secret` is the password of a certificate, too; `path` the absolute path of a certificate or of a federated token's file."""

    method: str
    source: str
    secret: str = field(repr=False)
    username: str | None
    client_id: str | None
    path: str | None = None


@dataclass(frozen=True)
class Credentials:
    """What the task and its environment bring, by source, and who is named without a secret."""

    task: Credential | None
    own: Credential | None
    azure: Credential | None
    # A managed identity that the platform advertises.
    platform: Credential | None
    # Named by option or environment, and not part of a silenced secret: a session has to fit them.
    username: str | None
    client_id: str | None
    # The option or variable that names each of these.
    origin: Mapping[str, str]
    # The method asked for, where one was.
    method: str | None
    # A session is named, so credentials of the environment do not count.
    silenced: bool

    @property
    def after_session(self) -> Credential | None:
        """What counts where the session does not live."""
        return self.azure or self.platform

    def looked_at(self) -> str:
        """For the failure message: what was tried, in this order."""
        if self.silenced:
            return (
                "credentials on the task, and the session, which is named: credentials of the environment do not count"
            )
        sources = "credentials on the task, ENTRA_PIM_* credentials, the session, AZURE_* credentials"
        if self.method:
            return f"{sources}, all for auth_method {self.method} only"
        kinds = "access token, client secret, certificate, federated token, password"
        return f"{sources}, of each {kinds}; then a managed identity, which no variable advertises"


def variable(environ: Mapping[str, str], *names: str) -> str | None:
    """The first of these variables that is set and not empty."""
    return next((environ[name] for name in names if environ.get(name)), None)


def home(environ: Mapping[str, str]) -> str:
    return variable(environ, "HOME") or os.path.expanduser("~")


def path_variable(environ: Mapping[str, str], *names: str) -> str | None:
    """A path, taken as Ansible takes one of an option: with ``~/`` and variables in it."""
    path = variable(environ, *names)
    if path is None:
        return None
    path = _IN_A_PATH.sub(lambda found: environ.get(found[1] or found[2], found[0]), path)
    return os.path.join(home(environ), path[2:]) if path.startswith("~/") else path


def is_path(text: str) -> bool:
    """Whether a file can be called so."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def secrets_in(options: Mapping[str, Any], environ: Mapping[str, str]) -> set[str]:
    """Every secret in reach of the task, for masking."""
    names = [name for found in _VARIABLES.values() for option in SECRETS for name in found.get(option, ())]
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
    on_task = any(options.get(option) for option in CREDENTIALS) or options.get("auth_method") in OF_THE_MACHINE
    counts = not silenced and not on_task
    azure = _from_environment(AZURE, environ, method, options.get("username"), options.get("client_id"))
    named = {option: _named(option, options, environ, own_counts=counts) for option in ("username", "client_id")}
    (username, username_from), (client_id, client_id_from) = named["username"], named["client_id"]
    check_text(username_from, username)
    check_text(client_id_from, client_id)
    task = _from_task(options, environ, username, client_id)
    own = _from_environment(OWN, environ, method, username, client_id) if counts else None
    origin = {"username": username_from, "client_id": client_id_from}
    platform = None
    if method is None and any(all(environ.get(name) for name in names) for names in _ADVERTISED):
        platform = Credential("managed_identity", PLATFORM, "", None, client_id)
    if silenced:
        azure = platform = None
    return Credentials(task, own, azure, platform, username, client_id, origin, method, silenced)


def _named(
    option: str, options: Mapping[str, Any], environ: Mapping[str, str], *, own_counts: bool
) -> tuple[str | None, str]:
    """`username` or `client_id`, and where it comes from.

    One that stands beside a credential in the environment belongs to that credential, and is silenced with it. `AZURE_*` credentials
    have their own turn, so what stands beside them never counts here.
    """
    if options.get(option):
        return options[option], option
    for source in (OWN, AZURE):
        names = _VARIABLES[source]
        belongs = any(variable(environ, *names.get(owner, ())) for owner in _OWNERS[option])
        if source == AZURE and option == "client_id":
            belongs = belongs or _from_environment(AZURE, environ, None, None, None) is not None
        if belongs and not (source == OWN and own_counts):
            continue
        for name in names[option]:
            if environ.get(name):
                return environ[name], name
    return None, option


def _method(options: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    method = options.get("auth_method") or environ.get("ENTRA_PIM_AUTH_METHOD")
    if method and method not in METHODS:
        raise invalid_option(
            "auth_method", method, f"(from ENTRA_PIM_AUTH_METHOD) it must be one of {', '.join(METHODS)}"
        )
    return method if method != "auto" else None


def _from_task(
    options: Mapping[str, Any], environ: Mapping[str, str], username: str | None, client_id: str | None
) -> Credential | None:
    """`username` and `client_id`: who is named, by the task or its environment."""
    given = [option for option in CREDENTIALS if options.get(option)]
    if options.get("certificate_password") and not options.get("certificate_path"):
        raise PimError(
            "invalid_option",
            "certificate_password is given by the task, but no certificate_path",
            advice="Give certificate_path too.",
        )
    if len(given) > 1:
        raise _contradiction(f"{' and '.join(given)} are both given")
    option = given[0] if given else None
    method = options.get("auth_method")
    if method in (None, "auto"):
        method = CREDENTIALS[option] if option else None
    elif option and CREDENTIALS[option] != method:
        raise _contradiction(f"auth_method={method} and {option} are both given")
    if options.get("username") and method in APPLICATIONS:
        raise _contradiction(
            f"{APPLICATIONS[method]} belongs to an application, username to a person, and both are given"
        )
    if method == "azure_cli" and options.get("client_id"):
        raise _contradiction("auth_method=azure_cli signs in by Azure CLI's own client, and client_id is given too")
    if method in OF_THE_MACHINE:
        return _of_the_machine(method, TASK, options.get("username"), client_id)
    if option is None:
        return None
    # The name beside this collection's own password serves another password, too; that beside an AZURE_* one does not.
    own = variable(environ, *_VARIABLES[OWN]["username"]) if method == "password" else None
    who = options.get("username") or own or (username if method == "password" else None)
    return _credential(TASK, option, options[option], options.get("certificate_password"), who, client_id)


def _from_environment(
    source: str, environ: Mapping[str, str], method: str | None, username: str | None, client_id: str | None
) -> Credential | None:
    """The best credential of one source; incomplete ones of `AZURE_*` are another collection's and passed over."""
    if method in OF_THE_MACHINE:
        return _of_the_machine(method, source, username, client_id) if source == OWN else None
    names = _VARIABLES[source]
    password = variable(environ, *names["certificate_password"])
    for option, its_method in CREDENTIALS.items():
        value = (variable if option in SECRETS else path_variable)(environ, *names.get(option, ()))
        if not value or (method and method != its_method):
            continue
        who = variable(environ, *names["username"]) if source == AZURE and not username else username
        client = variable(environ, *names["client_id"]) if source == AZURE and not client_id else client_id
        if source == AZURE and ((option == "password" and not who) or (its_method in REGISTERED and not client)):
            continue
        return _credential(source, option, value, password, who if its_method not in REGISTERED else None, client)
    if source == OWN and password and method in (None, "certificate"):
        raise PimError(
            "invalid_option",
            "ENTRA_PIM_CERTIFICATE_PASSWORD is set, but no certificate_path is given",
            advice="Set ENTRA_PIM_CERTIFICATE_PATH too.",
        )
    return None


def _credential(
    source: str, option: str, value: str, certificate_password: str | None, username: str | None, client_id: str | None
) -> Credential:
    """Raises `invalid_option` for one that cannot work: it belongs to nobody who is named."""
    method = CREDENTIALS[option]
    if method == "password" and not username:
        raise PimError(
            "invalid_option", f"A password is given by {source}, but no username", advice="Give username too."
        )
    if method in REGISTERED and not client_id:
        raise PimError(
            "invalid_option",
            f"{APPLICATIONS[method].capitalize()} is given by {source}, but no client_id",
            advice="Give client_id too.",
        )
    check_text(f"certificate_password of {source}", certificate_password)
    check_text(f"username of {source}", username)
    check_text(f"client_id of {source}", client_id)
    if option in SECRETS:
        check_text(f"{option} of {source}", value)
        return Credential(method, source, value, username, client_id)
    if not is_path(value):
        raise invalid_option(option, value, "it must be a path")
    secret = (certificate_password or "") if method == "certificate" else ""
    return Credential(method, source, secret, username, client_id, os.path.abspath(value))


def _of_the_machine(method: str, source: str, username: str | None, client_id: str | None) -> Credential:
    if method == "managed_identity":
        return Credential(method, source, "", None, client_id)
    return Credential(method, source, "", username, None)


def check_text(what: str, value: str | None) -> None:
    """JSON and the environment can bring what cannot be sent; its text is not told, it may be a secret."""
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        told = f"{what} cannot be used: it has half a character in it, or bytes that are not UTF-8; it must be a text"
        raise PimError("invalid_option", told, advice="") from None


def not_on_screen(method: str) -> PimError:
    """For a method that asks a person, where what it writes is seen by nobody."""
    return PimError(
        "invalid_option",
        f"auth_method={method!r} cannot be used here: this task runs as a module, where nobody would see {ON_SCREEN[method]}",
        advice="Run it on the controller (delegate_to localhost, connection local, no become, no async, msal and requests installed there).",
    )


def _contradiction(what: str) -> PimError:
    return PimError(
        "invalid_option", f"The credentials contradict each other: {what}", advice="Give one kind of credential only."
    )
