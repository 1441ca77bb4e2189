# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs in and keeps the session, or removes it. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PimError, invalid_option
from ..providers.registry import PROVIDERS
from ..sign_in.access import Access
from ..sign_in.clouds import endpoints, foreign
from ..sign_in.credentials import APPLICATIONS, CREDENTIALS, Credential, not_on_screen
from ..sign_in.known_clients import refuse_known_client, refuse_method, serves
from ..sign_in.names import is_guid
from ..sign_in.request import SignInRequest
from ..sign_in.signing_in import made_with
from ..sign_in.token_claims import is_context, proof_of
from ..state import files
from ..state.sessions import Session, Sessions
from ..times import LONGEST
from .connection import new_transport, ready_for, sign_in_once, sign_in_requests, why_not
from .connection_options import ConnectionOptions, connection_options, connection_spec, named_providers
from .context import Context
from .leftovers import told_leftovers
from .operation import Operation
from .scopes import scopes_by_api
from .session_info import describe

_LESS = "it has proved less than require_mfa and authentication_contexts ask for"


def spec() -> dict[str, Any]:
    return {
        "argument_spec": {
            **connection_spec(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "providers": {"type": "list", "elements": "str", "choices": list(PROVIDERS), "default": ["entra_roles"]},
            "require_mfa": {"type": "bool", "default": False},
            "authentication_contexts": {"type": "list", "elements": "str", "default": []},
            "force": {"type": "bool", "default": False},
            "login_timeout": {"type": "int", "default": 900},
        },
        "supports_check_mode": True,
    }


def run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    _check(params)
    options = connection_options(params, context.environ, makes_session=True)
    sessions = Sessions(options.session_dir, context.clock)
    if params["state"] == "absent":
        return _absent(options, sessions, context)
    return _present(params, options, sessions, context)


def _check(params: Mapping[str, Any]) -> None:
    named_providers(params)
    if not 1 <= params["login_timeout"] <= LONGEST:
        allowed = "it must be a number of seconds above 0, and no longer than a year"
        raise invalid_option("login_timeout", params["login_timeout"], allowed)
    for one in params["authentication_contexts"]:
        if not is_context(one):
            raise invalid_option("authentication_contexts", one, "an authentication context is called c1 to c99")


def _absent(options: ConnectionOptions, sessions: Sessions, context: Context) -> dict[str, Any]:
    there = sessions.exists(options.session)
    # Who signs out is told of them a last time.
    leftovers = told_leftovers(_readable(options, sessions), options.session_dir, context)
    if there and not context.check_mode:
        sessions.remove(options.session)
    return _result(there, _nobody(options), leftovers, _diff(context, options.session, there, False))


def _readable(options: ConnectionOptions, sessions: Sessions) -> Session | None:
    try:
        return sessions.load(options.session)
    except PimError:
        # It is removed whatever it is.
        return None


def _present(
    params: Mapping[str, Any], options: ConnectionOptions, sessions: Sessions, context: Context
) -> dict[str, Any]:
    foreign_urls = foreign(options.cloud_name, endpoints(options.cloud_name, options.urls))
    if foreign_urls:
        context.warn(f"Signing in at endpoints that are not Microsoft's: {', '.join(foreign_urls)}.")
    existing = _existing(params, options, sessions)
    credential = options.credentials.task or options.credentials.own
    if credential is not None:
        refuse_method(credential.method, scopes_by_api(options.cloud_name, params["providers"]))
    unfit = None
    if existing is not None and not params["force"]:
        wanted = _served(credential, params["providers"], options)
        covered = _covers(existing, wanted)
        kept = _fitting(existing, credential, wanted, params, options, sessions, context)
        if isinstance(kept, Session):
            leftovers = told_leftovers(kept, options.session_dir, context)
            return _result(not covered, describe(kept), leftovers, _diff(context, options.session, True, True))
        unfit = kept
    credential = credential or options.credentials.after_session
    requests = _requests(credential, params, options, context, unfit)
    diff = _diff(context, options.session, existing is not None, True)
    if context.check_mode:
        return _result(True, _nobody(options), told_leftovers(existing, options.session_dir, context), diff)
    # Before anybody signs in: a place where the session can be kept.
    files.check_directory(options.session_dir, create=True)
    transport = new_transport(options, context)
    session = sign_in_once(requests, transport, context, options.session)
    access = Access(session, transport, context.clock, None)
    for request in requests[1:]:
        if request.audience not in session.tokens:
            session.scopes[request.audience] = request.scopes
            access.token(request.audience)
    with sessions.locked(options.session):
        # Another task may have added the other API's token while this one signed in.
        session = _joined(_existing(params, options, sessions), session)
        sessions.save(session)
    if not _covers(session, params["providers"]):
        context.warn(f"The access token serves {', '.join(describe(session)['providers'])} only.")
    return _result(True, describe(session), told_leftovers(session, options.session_dir, context), diff)


def _existing(params: Mapping[str, Any], options: ConnectionOptions, sessions: Sessions) -> Session | None:
    try:
        return sessions.load(options.session)
    except PimError:
        # `force` is the user's word to replace whatever is there, if the directory itself is sound.
        if not params["force"]:
            raise
        files.check_directory(options.session_dir, create=False)
        return None


def _fitting(
    session: Session,
    credential: Credential | None,
    providers: Sequence[str],
    params: Mapping[str, Any],
    options: ConnectionOptions,
    sessions: Sessions,
    context: Context,
) -> Session | str:
    """The session, refreshed or widened where need be, if it is what the task asks for; else why somebody has to sign in."""
    transport = new_transport(options, context, session)
    needed = scopes_by_api(session.cloud, providers)
    access = Access(session, transport, context.clock, sessions, needed)
    unfit = why_not(session, options, transport, None if context.check_mode else access)
    if unfit is not None:
        return unfit
    if not made_with(session, credential):
        return "it was made with other credentials"
    if not serves(session.auth_method, needed):
        return f"{session.auth_method} does not serve these providers"
    if session.ended or not session.alive(context.clock.time()):
        return "it has expired"
    if not _proves(session, params):
        return _LESS
    if not (session.can_refresh or _covers(session, providers)):
        return f"{session.auth_method} sessions cannot get a token for more providers"
    if context.check_mode:
        return session
    try:
        for api in needed:
            held = access.token(api)
            if credential is not None and credential.method == "azure_cli":
                access.renewed(api, held)
    except PimError as error:
        if error.code in ("session_expired", "login_failed", "mfa_required", "consent_required", "not_connected"):
            return error.message
        raise
    if not _covers(access.session, providers):
        return "its client lacks consent for more providers"
    # One whose proofs are too old for the sign-in service has lost them now.
    return access.session if _proves(access.session, params) else _LESS


def _proves(session: Session, params: Mapping[str, Any]) -> bool:
    """Whether the sign-in satisfied what is required. Where its token does not tell of factors, what it was asked for counts."""
    used = proof_of(session.claims).mfa if session.mfa is None else session.mfa
    return (used or not params["require_mfa"]) and (
        set(params["authentication_contexts"]) <= set(session.authentication_contexts)
    )


def _covers(session: Session, providers: Sequence[str]) -> bool:
    """Whether the session was made for these providers."""
    needed = scopes_by_api(session.cloud, providers)
    return all(set(scopes) <= set(session.scopes.get(api, [])) for api, scopes in needed.items())


def _requests(
    credential: Credential | None,
    params: Mapping[str, Any],
    options: ConnectionOptions,
    context: Context,
    unfit: str | None,
) -> list[SignInRequest]:
    if credential is None:
        _check_screen(options, context, unfit)
    elif credential.method in APPLICATIONS and (params["require_mfa"] or params["authentication_contexts"]):
        option = "require_mfa" if params["require_mfa"] else "authentication_contexts"
        raise PimError(
            "invalid_option",
            f"{option} cannot be used with {APPLICATIONS[credential.method]}: an application has no second factor",
            advice="Sign in as a user.",
        )
    requests = sign_in_requests(
        credential,
        options,
        context,
        _served(credential, params["providers"], options),
        require_mfa=params["require_mfa"],
        authentication_contexts=params["authentication_contexts"],
        login_timeout=float(params["login_timeout"]),
    )
    for request in requests:
        # Told before anybody signs in: it could not be mended afterwards.
        refuse_known_client(request.known_client, request.audience)
    return requests


def _served(credential: Credential | None, providers: Sequence[str], options: ConnectionOptions) -> list[str]:
    """A ready token serves the providers of the API it was made for, whatever others are named too."""
    made_for = ready_for(credential, options.cloud_name)
    if made_for is None:
        return list(providers)
    named = [name for name in providers if PROVIDERS[name].api == made_for]
    return named or [name for name, provider in PROVIDERS.items() if provider.api == made_for]


def _check_screen(options: ConnectionOptions, context: Context, unfit: str | None) -> None:
    """A person is asked where that was wanted, or where somebody sits in front of a terminal; never where nobody sees it.

    `unfit`: why the session that is there is not used.
    """
    found = options.credentials
    lacking = next((option for option, method in CREDENTIALS.items() if method == found.method), None)
    if lacking is not None:
        raise PimError(
            "invalid_option",
            f"auth_method={found.method} cannot be used: {lacking} is not given",
            advice="Give it, or name another auth_method.",
        )
    if found.method is not None and context.show is None:
        raise not_on_screen(found.method)
    if context.show is not None and (found.method is not None or context.terminal):
        return
    unused = f"The session {options.session} is not used: {unfit}. " if unfit else ""
    raise PimError(
        "not_connected",
        f"{unused}Nobody can be signed in (tried: {found.looked_at()}; device code only on a terminal)",
        advice="Give credentials, or set auth_method device_code to have a code shown here.",
    )


def _joined(existing: Session | None, session: Session) -> Session:
    """A token handed in for the account and the endpoints the session already has is added to it; anything else replaces the session."""
    if (
        existing is None
        or session.auth_method != "access_token"
        or existing.auth_method != "access_token"
        or existing.differs_from(session) is not None
    ):
        return session
    session.tokens = {**existing.tokens, **session.tokens}
    for api, scopes in existing.scopes.items():
        # One API may serve several providers: what is named now is added to what was named before.
        more = session.scopes.get(api, [])
        session.scopes[api] = [*scopes, *(scope for scope in more if scope not in scopes)]
    session.activated_at = existing.activated_at
    return session


def _nobody(options: ConnectionOptions) -> dict[str, Any]:
    """The `session` of a result where nobody is signed in: what is known of it beforehand."""
    return {
        "name": options.session,
        "tenant_id": options.tenant if options.tenant and is_guid(options.tenant) else None,
        "username": options.credentials.username,
        "object_id": None,
        "principal_type": None,
        "auth_method": None,
        "client_id": options.credentials.client_id,
        "cloud": options.cloud_name,
        "endpoints": endpoints(options.cloud_name, options.urls),
        "mfa": None,
        "authentication_contexts": [],
        "expires_at": None,
        "providers": {},
        "can_refresh": False,
    }


def _diff(context: Context, name: str, before: bool, after: bool) -> dict[str, Any] | None:
    if not context.diff:
        return None
    return {"before": {"session": name, "present": before}, "after": {"session": name, "present": after}}


def _result(
    changed: bool, session: dict[str, Any], leftovers: list[dict[str, Any]], diff: dict[str, Any] | None
) -> dict[str, Any]:
    result: dict[str, Any] = {"changed": changed, "session": session, "leftovers": leftovers}
    return result if diff is None else {**result, "diff": diff}


OPERATION = Operation("pim_connect", spec, run)
