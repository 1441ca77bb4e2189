# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens what a task works with: a session that fits it, or credentials that serve this task alone. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ..api.arm import Arm
from ..api.base import Api
from ..api.calls import Answer, Call
from ..api.graph import Graph
from ..api.side_by_side import side_by_side
from ..errors import PimError, readable
from ..sign_in.access import Access
from ..sign_in.clouds import CLOUDS, endpoints
from ..sign_in.credentials import APPLICATIONS, GIVEN_BY_OTHERS, GRAPH_COMMAND_LINE_TOOLS, REGISTERED, Credential
from ..sign_in.known_clients import is_known_without, refuse_known_client, refuse_method
from ..sign_in.names import is_guid, same_account
from ..sign_in.token_claims import decode, texts, wanted_claims
from ..state.journal import Journal, Lines
from ..state.sessions import Session, Sessions
from ..transport import Transport
from .connection_options import ConnectionOptions
from .context import Context
from .scopes import scopes_by_api

if TYPE_CHECKING:
    from ..sign_in.request import SignInRequest
    from ..sign_in.step_up import Person

# Seconds that a person has to sign in again, where the task has no time-out of its own.
STEP_UP_TIMEOUT = 300.0
# In check mode there is nobody to ask then: the sign-in of the real run comes first.
NOT_SIGNED_IN = frozenset({"not_connected", "session_expired"})


class Connection:
    """A signed-in account at work. `access` hands out its tokens; `run` carries calls out, whichever API they go to."""

    def __init__(self, access: Access, transport: Transport, options: ConnectionOptions, context: Context) -> None:
        self.access = access
        self.transport = transport
        self.session_dir = options.session_dir
        self.clock = context.clock
        self.journal = Journal(options.session_dir, context.clock, self._needed)
        self.warn = context.warn
        session = access.session
        self._apis: dict[str, Api] = {
            Graph.name: Graph(transport, session.graph_url, access),
            Arm.name: Arm(transport, session.arm_url, access),
        }

    @property
    def session(self) -> Session:
        return self.access.session

    def now(self) -> datetime:
        """The service's clock."""
        return self.transport.service_now()

    def _needed(self, lines: Lines) -> Lines:
        """Of the journal's lines."""
        from ..plans.leases import needed
        from ..state import runs

        return needed(lines, self.clock.now(), partial(runs.alive, self.session_dir))

    def run(self, calls: Sequence[Call]) -> list[Answer | PimError]:
        """The outcome of each call in the order asked; the calls to one API go together, the APIs side by side.

        A failure that stops one API is the outcome of its calls, and hides nothing of the other's. It is raised where it stops all.
        """
        groups = [[index for index, call in enumerate(calls) if call.api == name] for name in self._apis]
        groups = [group for group in groups if group]
        results = side_by_side(
            lambda group: self._together([calls[index] for index in group]), groups, len(groups), self.transport.stop
        )
        stopped = [result for result in results if isinstance(result, PimError)]
        if stopped and len(stopped) == len(groups):
            raise stopped[0]
        outcomes: dict[int, Answer | PimError] = {}
        for group, result in zip(groups, results):
            told = [result.retold() for _index in group] if isinstance(result, PimError) else result
            outcomes.update(zip(group, told))
        return [outcomes[index] for index in range(len(calls))]

    def _together(self, calls: Sequence[Call]) -> list[Answer | PimError] | PimError:
        try:
            return self._apis[calls[0].api].run(calls)
        except PimError as error:
            return error

    def one(self, call: Call) -> Answer:
        """The answer to a single call; its failure is raised."""
        outcome = self.run([call])[0]
        if isinstance(outcome, PimError):
            raise outcome
        return outcome


def open_connection(
    options: ConnectionOptions,
    context: Context,
    providers: Sequence[str],
    resource: str | None = None,
    login_timeout: float = STEP_UP_TIMEOUT,
) -> Connection:
    """Credentials of the task, else ENTRA_PIM_* credentials, else the session, else AZURE_* credentials, else a managed identity.

    `resource`: a token for it is wanted, in place of those for the APIs of the providers. `login_timeout`: seconds a person has, where
    one has to sign in again.
    """
    found = options.credentials
    credential = found.task or found.own
    if credential is not None:
        return _for_this_task(credential, options, context, providers, resource)
    sessions = Sessions(options.session_dir, context.clock)
    session = sessions.load(options.session)
    if session is not None and (found.after_session is None or session.alive(context.clock.time())):
        if resource is None:
            refuse_method(session.auth_method, scopes_by_api(session.cloud, providers))
        transport = new_transport(options, context, session)
        needed = {} if resource else scopes_by_api(session.cloud, providers)
        access = Access(session, transport, context.clock, sessions, needed, _person(context, login_timeout))
        misfit = why_not(session, options, transport, None if context.check_mode else access)
        if misfit:
            raise PimError("not_connected", f"The session {session.name} is not used: {misfit}")
        return Connection(access, transport, options, context)
    if found.after_session is not None:
        return _for_this_task(found.after_session, options, context, providers, resource)
    raise PimError(
        "not_connected", f"There is no session {options.session} in {options.session_dir} (tried: {found.looked_at()})"
    )


def _person(context: Context, login_timeout: float) -> Person | str:
    """Who can be asked to sign in again in the middle of a task, or why nobody can."""
    if context.check_mode:
        return "check mode asks nobody to sign in"
    if context.show is None:
        return "nobody would see here that somebody has to sign in"
    from ..sign_in.step_up import Person

    return Person(context.show, login_timeout, context.browse)


def new_transport(options: ConnectionOptions, context: Context, session: Session | None = None) -> Transport:
    """A session's own CA holds, unless this task names another."""
    ca_path = options.ca_path or (session.ca_path if session else None) or options.other_ca_path
    return Transport(
        clock=context.clock,
        environ=context.environ,
        http_timeout=options.http_timeout,
        ca_path=ca_path,
        tell=context.detail,
    )


def sign_in_request(
    credential: Credential | None,
    options: ConnectionOptions,
    context: Context,
    scopes: list[str],
    *,
    audience: str,
    resource: str,
    require_mfa: bool = False,
    authentication_contexts: Sequence[str] = (),
    login_timeout: float = 900.0,
) -> SignInRequest:
    """`credential` None means that a person is asked, by device code unless another way is named; `audience` and `resource` as the request has them."""
    if credential is not None and credential.method in REGISTERED and options.tenant is None:
        raise PimError(
            "invalid_option",
            f"{APPLICATIONS[credential.method].capitalize()} is given by {credential.source}, but no tenant",
            advice="Give tenant too.",
        )
    from ..sign_in.request import SignInRequest

    method = credential.method if credential else options.credentials.method or "device_code"
    client_id = credential.client_id if credential else options.credentials.client_id
    return SignInRequest(
        method=method,
        audience=audience,
        resource=resource,
        scopes=scopes,
        tenant=options.tenant,
        client_id=client_id or ("" if method in GIVEN_BY_OTHERS else GRAPH_COMMAND_LINE_TOOLS),
        username=credential.username if credential else options.credentials.username,
        secret=credential.secret if credential else "",
        path=credential.path if credential else None,
        cloud_name=options.cloud_name,
        endpoints=endpoints(options.cloud_name, options.urls),
        ca_path=options.ca_path or options.other_ca_path,
        require_mfa=require_mfa,
        authentication_contexts=list(authentication_contexts),
        claims=wanted_claims(require_mfa, authentication_contexts),
        login_timeout=login_timeout,
        show=context.show,
        browse=context.browse,
    )


def ready_for(credential: Credential | None, cloud: str) -> str | None:
    """The API that a ready token was made for, as its audience says; None where there is none, or it is for something else."""
    if credential is None or credential.method != "access_token":
        return None
    return CLOUDS[cloud].api_of_audience((texts(decode(credential.secret).get("aud")) or [""])[0])


def sign_in_requests(
    credential: Credential | None,
    options: ConnectionOptions,
    context: Context,
    providers: Sequence[str],
    **requirements: Any,
) -> list[SignInRequest]:
    """One sign-in for each API the providers need; only an application has to make more than the first.

    A ready token serves the API it was made for.
    """
    needed = scopes_by_api(options.cloud_name, providers)
    if credential is not None:
        refuse_method(credential.method, needed)
    if credential is not None and credential.method == "access_token":
        made_for = ready_for(credential, options.cloud_name)
        needed = {made_for: needed[made_for]} if made_for in needed else dict(list(needed.items())[:1])
    return [
        sign_in_request(
            credential,
            options,
            context,
            scopes,
            audience=api,
            resource=CLOUDS[options.cloud_name].resource(api),
            **requirements,
        )
        for api, scopes in needed.items()
    ]


def sign_in_once(requests: Sequence[SignInRequest], transport: Transport, context: Context, name: str) -> Session:
    """A session by one sign-in. An application has no refresh token, so it signs in for each API; it is asked nothing."""
    from ..sign_in.signing_in import sign_in

    session = sign_in(requests[0], transport, context.clock, name)
    if session.principal_type == "service_principal":
        for request in requests[1:]:
            other = sign_in(request, transport, context.clock, name)
            session.tokens.update(other.tokens)
            session.scopes.update(other.scopes)
    return session


def why_not(session: Session, options: ConnectionOptions, transport: Transport, access: Access | None) -> str | None:
    """What of the options does not fit the session, None where all does. A domain not seen before is looked up, and remembered."""
    named = options.credentials
    if options.cloud and options.cloud != session.cloud:
        return f"it belongs to cloud={session.cloud}, not {options.cloud}"
    for option, url in options.urls.items():
        if url != getattr(session, option):
            return f"it belongs to {option}={getattr(session, option)}, not {readable(url, 200)}"
    if named.client_id and named.client_id.lower() != str(session.client_id).lower():
        return f"it belongs to client_id={session.client_id}, not {named.origin['client_id']}={readable(named.client_id, 120)}"
    if named.username and not same_account(named.username, session.username):
        return f"it belongs to {session.username or 'an application'}, not {named.origin['username']}={readable(named.username, 120)}"
    tenant = options.tenant
    if tenant and tenant != session.tenant_id and tenant not in session.tenant_names:
        from ..sign_in.client import tenant_id_of

        if is_guid(tenant) or tenant_id_of(transport, session.authority_url, tenant) != session.tenant_id:
            return f"it belongs to tenant={session.tenant_id}, not {tenant}"
        if access is not None:
            access.remember_tenant(tenant)
    return None


def _for_this_task(
    credential: Credential, options: ConnectionOptions, context: Context, providers: Sequence[str], resource: str | None
) -> Connection:
    transport = new_transport(options, context)
    if resource is not None:
        scopes = [f"{resource}/.default"]
        request = sign_in_request(credential, options, context, scopes, audience=resource, resource=resource)
        from ..sign_in.signing_in import sign_in

        session = sign_in(request, transport, context.clock, options.session)
        return Connection(Access(session, transport, context.clock, None), transport, options, context)
    requests = sign_in_requests(credential, options, context, providers)
    # One API that this client cannot be used for does not stand in the way of another.
    usable = [request for request in requests if not is_known_without(request.known_client, request.audience)]
    if not usable:
        refuse_known_client(requests[0].client_id, requests[0].audience)
    session = sign_in_once(usable, transport, context, options.session)
    access = Access(session, transport, context.clock, None, scopes_by_api(session.cloud, providers))
    return Connection(access, transport, options, context)
