# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: where each comes from, and what is refused before any call."""

from __future__ import annotations

import os

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection_options import (
    connection_options,
    connection_spec,
)

HOME = {"HOME": "/elsewhere/operator"}


def given(environ=None, **params):
    return connection_options({**dict.fromkeys(connection_spec()), **params}, {**HOME, **(environ or {})})


def refused(environ=None, **params) -> PimError:
    with pytest.raises(PimError) as caught:
        given(environ, **params)
    assert caught.value.code == "invalid_option"
    return caught.value


# Option, its variables (first found wins), an attribute of the result, two values.
_ROWS = [
    ("session", ["ENTRA_PIM_SESSION"], "session", "one", "two"),
    ("session_dir", ["ENTRA_PIM_SESSION_DIR"], "session_dir", "/one", "/two"),
    ("tenant", ["ENTRA_PIM_TENANT", "AZURE_TENANT_ID", "AZURE_TENANT"], "tenant", "one.example", "two.example"),
    ("cloud", ["ENTRA_PIM_CLOUD"], "cloud", "china", "usgov"),
    ("ca_path", ["ENTRA_PIM_CA_PATH"], "ca_path", __file__, os.__file__),
]


@pytest.mark.parametrize(("option", "variables", "attribute", "one", "two"), _ROWS)
def test_the_option_comes_before_its_variables(option, variables, attribute, one, two):
    assert getattr(given(dict.fromkeys(variables, two), **{option: one}), attribute) == one


@pytest.mark.parametrize(("option", "variables", "attribute", "one", "two"), _ROWS)
def test_the_first_variable_comes_before_the_others(option, variables, attribute, one, two):
    for place, variable in enumerate(variables):
        later = dict.fromkeys(variables[place + 1 :], two)
        assert getattr(given({variable: one, **later}), attribute) == one


@pytest.mark.parametrize("option", ["authority_url", "graph_url", "arm_url"])
def test_addresses(option):
    variable = f"ENTRA_PIM_{option.upper()}"
    assert given({variable: "https://Two.example:8443/"}).urls == {option: "https://two.example:8443"}
    assert given({variable: "https://two.example"}, **{option: "https://one.example"}).urls == {
        option: "https://one.example"
    }


@pytest.mark.parametrize("option", ["authority_url", "graph_url", "arm_url"])
@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "a.example",
        "ftp://a.example",
        "https://",
        "https://u:pw@a.example",
        "https://a.example?x=1",
        "https://a.example#x",
        "https://[x",
        "https://a.example:x",
    ],
)
def test_only_https_addresses_are_taken(option, url):
    for error in (refused(**{option: url}), refused({f"ENTRA_PIM_{option.upper()}": url})):
        assert option in error.message
        assert "pw" not in error.message


@pytest.mark.parametrize("name", ["../x", "a/b", ".a", "", "x" * 65, "a b", "é"])
def test_names_of_sessions_that_are_none(name):
    if name:
        refused(session=name)
        refused({"ENTRA_PIM_SESSION": name})
    else:
        assert given(session=name).session == "default"


def test_the_defaults():
    options = given()
    assert (options.session, options.http_timeout) == ("default", 30.0)
    assert options.session_dir == "/elsewhere/operator/.local/state/entra-pim"
    assert (options.tenant, options.cloud, options.urls, options.ca_path) == (None, None, {}, None)


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"XDG_STATE_HOME": "/state"}, "/state/entra-pim"),
        ({"XDG_STATE_HOME": "relative"}, "/elsewhere/operator/.local/state/entra-pim"),
        ({"XDG_STATE_HOME": ""}, "/elsewhere/operator/.local/state/entra-pim"),
        ({"ENTRA_PIM_SESSION_DIR": "~/s"}, "/elsewhere/operator/s"),
        # cron, for one, sets it as it stands
        ({"ENTRA_PIM_SESSION_DIR": "$HOME/s"}, "/elsewhere/operator/s"),
        ({"ENTRA_PIM_SESSION_DIR": "/x/${WHO}/$NOBODY/a$"}, "/x/${WHO}/$NOBODY/a$"),
        ({"ENTRA_PIM_SESSION_DIR": "/x/${WHO}", "WHO": "operator"}, "/x/operator"),
    ],
)
def test_where_sessions_are_kept(environ, directory):
    assert given(environ).session_dir == directory


@pytest.mark.parametrize("option", ["certificate_path", "federated_token_file"])
def test_a_file_in_the_environment_may_be_below_home(option):
    found = given({f"ENTRA_PIM_{option.upper()}": "~/file", "ENTRA_PIM_CLIENT_ID": "app"}).credentials.own
    assert found is not None
    assert found.path == "/elsewhere/operator/file"


@pytest.mark.parametrize("tenant", ["contoso", "a b.example", "https://contoso.example", "contoso.example/x", "../x"])
def test_what_is_no_tenant(tenant):
    refused(tenant=tenant)
    refused({"AZURE_TENANT_ID": tenant})


def test_a_cloud_nobody_knows():
    assert "usgov_dod" in refused({"ENTRA_PIM_CLOUD": "mars"}).message


def test_a_ca_that_is_not_there(tmp_path):
    refused(ca_path=str(tmp_path / "none"))
    refused({"ENTRA_PIM_CA_PATH": str(tmp_path / "none")})


def test_the_machines_ca_comes_last():
    options = given({"REQUESTS_CA_BUNDLE": os.__file__})
    assert (options.ca_path, options.other_ca_path) == (None, os.__file__)
    options = given({"REQUESTS_CA_BUNDLE": os.__file__}, ca_path=__file__)
    assert (options.ca_path, options.other_ca_path) == (__file__, None)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_time_outs_that_are_none(value):
    assert "http_timeout" in refused(http_timeout=value).message


@pytest.mark.parametrize("value", ["0", "-1", "nan", "soon", "1h"])
def test_time_outs_of_the_environment_that_are_none(value):
    assert "http_timeout" in refused({"ENTRA_PIM_HTTP_TIMEOUT": value}).message


def test_the_time_out():
    assert given(http_timeout=2.5).http_timeout == 2.5
    assert given({"ENTRA_PIM_HTTP_TIMEOUT": "7"}).http_timeout == 7.0
    assert given({"ENTRA_PIM_HTTP_TIMEOUT": "7"}, http_timeout=2.0).http_timeout == 2.0


@pytest.mark.parametrize("name", ["password", "client_secret", "certificate_password", "access_token"])
def test_secrets_are_marked_as_such(name):
    assert connection_spec()[name]["no_log"] is True


@pytest.mark.parametrize("bad", ["\ud800", "secret-\udcff"], ids=["half a character", "a byte of the environment"])
@pytest.mark.parametrize(
    ("option", "beside"),
    [
        ("client_secret", {"client_id": "one"}),
        ("password", {"username": "operator@contoso.example"}),
        ("certificate_password", {"client_id": "one", "certificate_path": "/one.pem"}),
        ("access_token", {}),
        ("username", {}),
        ("client_id", {}),
    ],
)
def test_what_is_no_text_is_refused_without_being_told(option, beside, bad):
    message = refused(**beside, **{option: bad}).message
    assert option in message
    assert bad not in message


def test_a_session_dir_that_no_directory_can_have():
    assert "session_dir" in refused(session_dir="/\ud800").message


def test_a_long_address_is_told_shortened():
    assert len(refused(arm_url="x" * 9_000).message) < 400
