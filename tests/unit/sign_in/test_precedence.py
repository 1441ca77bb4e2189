# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credentials count (interface, section 2), by the account that is signed in in the end.

Each source signs in somebody else: the account of the connection tells which source was taken.
"""

from __future__ import annotations

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection import open_connection
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection_options import connection_options
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token

from unit.clocks import START
from unit.sign_in.certificates import RSA_KEY, certificate_for, key_pem, pem
from unit.sign_in.sts import APP, jwt
from unit.state.saved import TENANT, session

TASK, OWN, SESSION, AZURE = "the task's", "entra_pim's", "the session's", "azure's"
TOKEN_OF = {source: jwt(oid=f"oid {source}") for source in (TASK, OWN)}


@pytest.fixture
def signed_in(service, options, context, fake, tmp_path):
    """Signs in for a task with these options and this environment; ``session`` is what lies on the disk."""

    def sign_in(environ: dict[str, str] | None = None, on_disk=None, check_mode: bool = False, **given):
        service.tokens["password"] = {"oid": f"oid {AZURE}"}
        service.tokens["client_credentials"] = {"oid": f"oid {AZURE}", "idtyp": "app", "upn": None}
        if on_disk is not None:
            Sessions(str(tmp_path / "state"), fake.clock).save(on_disk)
        surroundings = context(check_mode=check_mode, **(environ or {}))
        return open_connection(
            connection_options(options(**given), surroundings.environ), surroundings, ["entra_roles"]
        )

    return sign_in


@pytest.fixture
def saved(service):
    """A session made at the sign-in service's address; keyword arguments change it."""

    def make(**changes):
        urls = dict.fromkeys(("authority_url", "graph_url", "arm_url"), service.url)
        return session(**{**urls, "object_id": f"oid {SESSION}", **changes})

    return make


def refused(call, *arguments, **options) -> PimError:
    with pytest.raises(PimError) as caught:
        call(*arguments, **options)
    return caught.value


OWN_TOKEN = {"ENTRA_PIM_ACCESS_TOKEN": TOKEN_OF[OWN]}
AZURE_PASSWORD = {
    "AZURE_USERNAME": "operator@contoso.example",
    "AZURE_PASSWORD": "Pass-word-1",
    "AZURE_TENANT_ID": TENANT,
}
AZURE_SECRET = {"AZURE_CLIENT_ID": APP, "AZURE_CLIENT_SECRET": "Secret-1", "AZURE_TENANT": TENANT}
DEAD = {"refresh_token": None, "tokens": {"graph": Token("old", START - 7200, START - 3600, [])}}


@pytest.mark.parametrize(
    ("source", "environ", "given", "on_disk"),
    [
        # those on the task silence everything
        (TASK, {**OWN_TOKEN, **AZURE_PASSWORD}, {"access_token": TOKEN_OF[TASK]}, {}),
        (TASK, {}, {"access_token": TOKEN_OF[TASK], "session": "default"}, {}),
        (TASK, {}, {"access_token": TOKEN_OF[TASK]}, None),
        # even what would be refused there
        (TASK, {"ENTRA_PIM_PASSWORD": "Pass-word-1"}, {"access_token": TOKEN_OF[TASK]}, None),
        (TASK, {"ENTRA_PIM_CLIENT_SECRET": "Secret-1"}, {"access_token": TOKEN_OF[TASK]}, None),
        (TASK, {"ENTRA_PIM_CERTIFICATE_PATH": "/x.pem"}, {"access_token": TOKEN_OF[TASK]}, None),
        # then ENTRA_PIM_*
        (OWN, {**OWN_TOKEN, **AZURE_PASSWORD}, {}, {}),
        (OWN, OWN_TOKEN, {}, None),
        (
            OWN,
            {**OWN_TOKEN, "ENTRA_PIM_PASSWORD": "Pass-word-1", "ENTRA_PIM_USERNAME": "operator@contoso.example"},
            {},
            None,
        ),
        # then the session
        (SESSION, AZURE_PASSWORD, {}, {}),
        (SESSION, {}, {}, {}),
        (SESSION, {}, {"session": "default"}, {}),
        # a session that is named silences the environment
        (SESSION, {**OWN_TOKEN, **AZURE_PASSWORD}, {"session": "default"}, {}),
        (SESSION, {**OWN_TOKEN, "ENTRA_PIM_SESSION": "default"}, {}, {}),
        (SESSION, {"ENTRA_PIM_PASSWORD": "Pass-word-1"}, {"session": "default"}, {}),
        # then AZURE_*
        (AZURE, AZURE_PASSWORD, {}, None),
        (AZURE, AZURE_SECRET, {}, None),
        # also where the session has died
        (AZURE, AZURE_PASSWORD, {}, DEAD),
    ],
)
def test_who_is_signed_in(signed_in, saved, source, environ, given, on_disk):
    found = signed_in(environ, None if on_disk is None else saved(**on_disk), **given)
    assert found.session.object_id == f"oid {source}"


@pytest.mark.parametrize(
    "environ",
    [
        {"ENTRA_PIM_USERNAME": "operator@contoso.example", "AZURE_USERNAME": "somebody@contoso.example"},
        {"AZURE_USERNAME": "operator@contoso.example", "AZURE_AD_USER": "somebody@contoso.example"},
        {"AZURE_AD_USER": "operator@contoso.example"},
        {"ENTRA_PIM_USERNAME": "operator@contoso.example", "ENTRA_PIM_PASSWORD": "another"},
        {
            "ENTRA_PIM_USERNAME": "operator@contoso.example",
            "ENTRA_PIM_PASSWORD": "another",
            "AZURE_USERNAME": "somebody@contoso.example",
        },
    ],
)
def test_a_password_on_the_task_finds_its_user_name(signed_in, service, environ):
    found = signed_in(environ, password="Pass-word-1", tenant=TENANT)
    assert found.session.username == "operator@contoso.example"
    assert [(asked["username"], asked["password"]) for asked in service.asked] == [
        ("operator@contoso.example", "Pass-word-1")
    ]


def test_a_password_on_the_task_does_not_go_to_the_account_of_another_collection(signed_in, service):
    error = refused(signed_in, AZURE_PASSWORD, password="Pass-word-2")
    assert (error.code, service.paths) == ("invalid_option", [])
    assert "username" in error.sentence


def test_nothing_is_not_connected_and_says_what_was_tried(signed_in):
    error = refused(signed_in)
    assert error.code == "not_connected"
    for tried in ("task", "ENTRA_PIM_", "session", "AZURE_"):
        assert tried in error.message


def test_a_session_that_is_named_and_not_there_is_not_replaced(signed_in):
    for environ in ({**OWN_TOKEN, **AZURE_PASSWORD}, {}):
        assert refused(signed_in, environ, session="other").code == "not_connected"


def test_credentials_of_a_task_serve_that_task_alone(signed_in, saved, fake, tmp_path):
    on_disk = saved()
    signed_in({}, on_disk, access_token=TOKEN_OF[TASK])
    signed_in(OWN_TOKEN)
    assert Sessions(str(tmp_path / "state"), fake.clock).load("default") == on_disk


# One source with several credentials: access token, client secret, certificate, federated token, password.
SEVERAL = {
    "ENTRA_PIM_CERTIFICATE_PATH": "app.pem",
    "ENTRA_PIM_FEDERATED_TOKEN_FILE": "token",
    "ENTRA_PIM_TENANT": TENANT,
    "ENTRA_PIM_ACCESS_TOKEN": TOKEN_OF[OWN],
    "ENTRA_PIM_CLIENT_SECRET": "Secret-1",
    "ENTRA_PIM_CLIENT_ID": APP,
    "ENTRA_PIM_PASSWORD": "Pass-word-1",
    "ENTRA_PIM_USERNAME": "operator@contoso.example",
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files that these name, where the task runs."""
    (tmp_path / "app.pem").write_bytes(key_pem(RSA_KEY) + pem(certificate_for(RSA_KEY)))
    (tmp_path / "token").write_text("a-token", encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("without", "method"),
    [
        ((), "access_token"),
        (("ENTRA_PIM_ACCESS_TOKEN",), "client_secret"),
        (("ENTRA_PIM_ACCESS_TOKEN", "ENTRA_PIM_CLIENT_SECRET"), "certificate"),
        (("ENTRA_PIM_ACCESS_TOKEN", "ENTRA_PIM_CLIENT_SECRET", "ENTRA_PIM_CERTIFICATE_PATH"), "workload_identity"),
        (
            (
                "ENTRA_PIM_ACCESS_TOKEN",
                "ENTRA_PIM_CLIENT_SECRET",
                "ENTRA_PIM_CERTIFICATE_PATH",
                "ENTRA_PIM_FEDERATED_TOKEN_FILE",
            ),
            "password",
        ),
    ],
)
def test_the_order_within_a_source(signed_in, files, without, method):
    environ = {name: value for name, value in SEVERAL.items() if name not in without}
    if method == "access_token":
        # of that client, so that it fits the client id
        environ["ENTRA_PIM_ACCESS_TOKEN"] = jwt(appid=APP)
    assert signed_in(environ).session.auth_method == method


@pytest.mark.parametrize("method", ["client_secret", "certificate", "workload_identity", "password"])
def test_a_method_that_is_named_is_taken(signed_in, files, method):
    assert signed_in(SEVERAL, auth_method=method).session.auth_method == method
    assert signed_in({**SEVERAL, "ENTRA_PIM_AUTH_METHOD": method}).session.auth_method == method


@pytest.mark.parametrize(
    "given",
    [
        {"client_secret": "s", "client_id": APP, "username": "operator@contoso.example"},
        {"client_secret": "s", "client_id": APP, "password": "p"},
        {"access_token": "t", "password": "p", "username": "operator@contoso.example"},
        {"access_token": "t", "client_secret": "s"},
        {"auth_method": "password", "client_secret": "s", "client_id": APP},
        {"auth_method": "client_secret", "access_token": "t"},
        {"auth_method": "device_code", "password": "p", "username": "operator@contoso.example"},
        {"certificate_path": "/x", "client_id": APP, "username": "operator@contoso.example"},
        {"certificate_path": "/x", "client_id": APP, "password": "p"},
        {"certificate_path": "/x", "client_id": APP, "client_secret": "s"},
        {"certificate_path": "/x", "client_id": APP, "federated_token_file": "/x"},
        {"federated_token_file": "/x", "client_id": APP, "username": "operator@contoso.example"},
        {"federated_token_file": "/x", "client_id": APP, "access_token": "t"},
        {"certificate_password": "p"},
        {"certificate_password": "p", "client_secret": "s", "client_id": APP},
        {"auth_method": "certificate", "client_secret": "s", "client_id": APP},
        {"auth_method": "workload_identity", "username": "operator@contoso.example"},
        {"auth_method": "managed_identity", "client_secret": "s"},
        {"auth_method": "managed_identity", "username": "operator@contoso.example"},
        {"auth_method": "azure_cli", "certificate_path": "/x"},
        {"auth_method": "azure_cli", "client_id": APP},
        # not contradictory, but not enough
        {"password": "p"},
        {"client_secret": "s", "tenant": TENANT},
        {"client_secret": "s", "client_id": APP},
        {"certificate_path": "/x", "tenant": TENANT},
        {"certificate_path": "/x", "client_id": APP},
        {"federated_token_file": "/x", "tenant": TENANT},
        {"federated_token_file": "/x", "client_id": APP},
    ],
)
def test_contradictions_on_a_task_are_refused_by_name_before_any_call(signed_in, server, given):
    error = refused(signed_in, {}, **given)
    assert error.code == "invalid_option"
    assert server.requests == []
    assert any(
        name in error.message for name in ("secret", "password", "token", "certificate", "identity", "auth_method")
    )


@pytest.mark.parametrize(
    "environ",
    [
        {"ENTRA_PIM_PASSWORD": "p"},
        {"ENTRA_PIM_CLIENT_SECRET": "s", "ENTRA_PIM_TENANT": TENANT},
        {"ENTRA_PIM_CERTIFICATE_PATH": "/x"},
        {"ENTRA_PIM_FEDERATED_TOKEN_FILE": "/x"},
        {"ENTRA_PIM_CERTIFICATE_PASSWORD": "p"},
        {"ENTRA_PIM_AUTH_METHOD": "nonsense"},
    ],
)
def test_what_was_set_for_this_collection_and_cannot_be_used_is_refused(signed_in, environ):
    assert refused(signed_in, environ).code == "invalid_option"


@pytest.mark.parametrize(
    "environ",
    [
        {"AZURE_PASSWORD": "p"},
        {"AZURE_CLIENT_SECRET": "s"},
        {"AZURE_CLIENT_CERTIFICATE_PATH": "/x", "AZURE_CLIENT_ID": APP},
        {"AZURE_FEDERATED_TOKEN_FILE": "/x", "AZURE_CLIENT_ID": APP},
        {"AZURE_CLIENT_ID": APP, "AZURE_CLIENT_SECRET": "s"},
    ],
)
def test_what_was_set_for_other_collections_does_not_break_a_session(signed_in, saved, environ):
    assert signed_in(environ, saved()).session.object_id == f"oid {SESSION}"


def test_what_was_set_for_other_collections_and_is_incomplete_is_passed_over(signed_in):
    assert refused(signed_in, {"AZURE_PASSWORD": "p"}).code == "not_connected"


# A session is used only for what it was made for.


@pytest.mark.parametrize(
    ("given", "environ"),
    [
        ({"tenant": TENANT}, {}),
        ({"tenant": TENANT.upper()}, {}),
        ({"tenant": "contoso.example"}, {}),
        ({"tenant": "CONTOSO.example"}, {}),
        ({"username": "operator@contoso.example"}, {}),
        ({"username": "OPERATOR@contoso.EXAMPLE"}, {}),
        ({"client_id": "14D82EEC-204B-4C2F-B7E8-296A70DAB67E"}, {}),
        ({"cloud": "public"}, {}),
        ({}, {"ENTRA_PIM_TENANT": TENANT}),
        ({}, {"AZURE_TENANT_ID": TENANT}),
        ({}, {"AZURE_USERNAME": "operator@contoso.example"}),
    ],
)
def test_a_session_that_fits(signed_in, saved, given, environ):
    assert signed_in(environ, saved(), **given).session.object_id == f"oid {SESSION}"


@pytest.mark.parametrize(
    ("given", "environ"),
    [
        ({"tenant": "00000000-0000-4000-8000-000000000000"}, {}),
        ({"tenant": "fabrikam.example"}, {}),
        ({"username": "somebody@contoso.example"}, {}),
        ({"client_id": APP}, {}),
        ({"cloud": "china"}, {}),
        ({"authority_url": "https://localhost:2"}, {}),
        ({"graph_url": "https://localhost:2"}, {}),
        ({"arm_url": "https://localhost:2"}, {}),
        ({}, {"ENTRA_PIM_TENANT": "00000000-0000-4000-8000-000000000000"}),
        ({}, {"ENTRA_PIM_CLIENT_ID": APP}),
        ({}, {"ENTRA_PIM_USERNAME": "somebody@contoso.example"}),
        ({}, {"ENTRA_PIM_CLOUD": "usgov"}),
        ({"graph_url": None}, {"ENTRA_PIM_GRAPH_URL": "https://localhost:2"}),
        ({}, {"AZURE_TENANT_ID": "00000000-0000-4000-8000-000000000000"}),
    ],
)
def test_a_session_that_does_not_fit_is_never_used(signed_in, saved, service, given, environ):
    error = refused(signed_in, environ, saved(), **given)
    assert error.code == "not_connected"
    assert service.asked == []


def test_a_domain_is_looked_up_once_and_remembered(signed_in, saved, service):
    on_disk = saved(tenant_names=[])
    assert signed_in({}, on_disk, tenant="contoso.example").session.tenant_id == TENANT
    looked = len(service.paths)
    assert looked == 1
    signed_in({}, None, tenant="contoso.example")
    assert len(service.paths) == looked


def test_check_mode_remembers_nothing(signed_in, saved, fake, tmp_path):
    signed_in({}, saved(tenant_names=[]), check_mode=True, tenant="contoso.example")
    kept = Sessions(str(tmp_path / "state"), fake.clock).load("default")
    assert kept is not None
    assert kept.tenant_names == []


def test_a_guest_goes_by_both_names(signed_in, saved):
    guest = saved(username="guest_fabrikam.example#EXT#@contoso.example")
    assert signed_in({}, guest, username="guest@fabrikam.example").session.username == guest.username


def test_without_options_a_session_keeps_its_endpoints(signed_in, saved, service):
    nothing = dict.fromkeys(("authority_url", "graph_url", "arm_url", "ca_path"))
    assert signed_in({}, saved(), **nothing).session.graph_url == service.url


# A token that is handed in.


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("nonsense", "invalid_option"),
        ("a.b.c", "invalid_option"),
        (jwt(oid=None), "invalid_option"),
        (jwt(tid=None), "invalid_option"),
        (jwt(exp=None), "invalid_option"),
        (jwt(exp=True), "invalid_option"),
        (jwt(exp="soon"), "invalid_option"),
        (jwt(aud="https://vault.azure.net"), "invalid_option"),
        (jwt(aud=None), "invalid_option"),
        (jwt(exp=START - 1), "session_expired"),
        (jwt(exp=-1e300), "session_expired"),
    ],
)
def test_a_token_that_cannot_be_used(signed_in, server, token, code):
    error = refused(signed_in, {}, access_token=token)
    assert error.code == code
    assert token not in error.sentence
    assert server.requests == []


@pytest.mark.parametrize("exp", [1e300, 10**400])
def test_a_token_that_says_it_never_ends(signed_in, exp):
    token = jwt(exp=exp)
    try:
        found = signed_in({}, access_token=token)
    except PimError as error:
        assert error.code == "invalid_option"  # noqa: PT017  # refused is right, too
        return
    assert found.access.token("graph") == token


@pytest.mark.parametrize(
    "audience", ["https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"]
)
def test_both_audiences_of_microsoft_graph(signed_in, audience):
    assert signed_in({}, access_token=jwt(aud=audience)).session.scopes.keys() == {"graph"}


def test_a_token_of_another_tenant_or_account_is_refused(signed_in):
    other = "00000000-0000-4000-8000-000000000000"
    assert refused(signed_in, {}, access_token=jwt(), tenant=other).code == "login_failed"
    assert refused(signed_in, {}, access_token=jwt(), username="x@contoso.example").code == "login_failed"


def test_an_application_is_known_by_its_token(signed_in):
    app = jwt(idtyp="app", upn=None, scp=None, roles=["X"])
    assert signed_in({}, access_token=app).session.principal_type == "service_principal"
    assert signed_in({}, access_token=jwt()).session.principal_type == "user"
