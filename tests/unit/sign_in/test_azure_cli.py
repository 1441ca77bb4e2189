# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in by Azure CLI: a program called az that says what it is told to say."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.methods import azure_cli

from unit.clocks import START
from unit.sign_in.sts import jwt
from unit.state.saved import OID, TENANT

ARM = "https://management.azure.com"
AZ = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OTHER = "00000000-0000-4000-8000-000000000000"
PROGRAM = """#!{python}
import json, os, pathlib, sys
here = pathlib.Path({directory!r})
seen = {{"arguments": sys.argv[1:], "input": sys.stdin.read(), "config": os.environ.get("AZURE_CONFIG_DIR")}}
with open(here / "calls", "a") as calls:
    calls.write(json.dumps(seen) + "\\n")
exec((here / "act").read_text())
"""


class Az:
    """``says`` and ``refuses`` decide the next answers; ``calls`` are what it was asked."""

    def __init__(self, directory) -> None:
        self._directory = directory
        program = directory / "az"
        program.write_text(PROGRAM.format(python=sys.executable, directory=str(directory)), encoding="utf-8")
        program.chmod(0o755)
        self.says()

    def acts(self, code: str) -> None:
        (self._directory / "act").write_text(code, encoding="utf-8")

    def says(self, answer: dict | None = None, **claims) -> None:
        token = jwt(**{"aud": ARM, "appid": AZ, "scp": "user_impersonation", "jti": str(time.monotonic()), **claims})
        answer = answer or {"expires_on": int(START) + 3600, "expiresOn": "2030-03-17 18:46:40.000000"}
        full = {"accessToken": token, "tenant": TENANT, "tokenType": "Bearer", "subscription": "s", **answer}
        self.acts(f"print({json.dumps(full)!r})")

    def refuses(self, told: str) -> None:
        self.acts(f"print({told!r}, file=sys.stderr); sys.exit(1)")

    @property
    def calls(self) -> list[dict]:
        path = self._directory / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def az(tmp_path, monkeypatch) -> Az:
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    return Az(directory)


@pytest.fixture
def signed_in(connected):
    def sign_in(environ=None, **given):
        return connected(environ or {}, **{"providers": ["azure_resources"], "auth_method": "azure_cli", **given})

    return sign_in


def refused(call, *arguments, **options) -> PimError:
    with pytest.raises(PimError) as caught:
        call(*arguments, **options)
    return caught.value


def test_it_is_asked_for_a_token_of_azure(signed_in, az, server, monkeypatch):
    monkeypatch.setenv("AZURE_CONFIG_DIR", "/somewhere/azure")
    session = signed_in().session
    (call,) = az.calls
    assert call["arguments"] == ["account", "get-access-token", "--resource", ARM, "--output", "json"]
    assert (call["input"], call["config"]) == ("", "/somewhere/azure")
    assert (session.auth_method, session.principal_type, session.client_id) == ("azure_cli", "user", AZ)
    assert session.tokens["arm"].expires_at == START + 3600
    assert session.username == "operator@contoso.example"
    assert server.requests == []


@pytest.mark.parametrize("tenant", [TENANT, "contoso.example"])
def test_the_tenant_is_asked_for_and_checked(signed_in, az, tenant):
    assert signed_in(tenant=tenant).session.tenant_id == TENANT
    assert az.calls[0]["arguments"][-2:] == ["--tenant", tenant]
    az.says(tid=OTHER)
    error = refused(signed_in, tenant=tenant)
    assert error.code == "login_failed"
    assert OTHER in error.message


def test_the_account_is_checked(signed_in, az):
    assert signed_in(username="OPERATOR@contoso.example").session.object_id == OID
    error = refused(signed_in, username="somebody@contoso.example")
    assert error.code == "login_failed"
    assert "somebody@contoso.example" in error.message


@pytest.mark.parametrize("cloud", ["usgov", "usgov_dod", "china"])
def test_other_clouds_have_other_audiences(signed_in, az, cloud):
    wanted = {"china": "https://management.chinacloudapi.cn"}.get(cloud, "https://management.usgovcloudapi.net")
    az.says(aud=wanted)
    signed_in(cloud=cloud)
    assert az.calls[0]["arguments"][3] == wanted


def test_older_versions_tell_local_time(signed_in, az, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        az.says({"expiresOn": "2030-03-18 03:46:40.123456"})
        assert signed_in().session.tokens["arm"].expires_at == pytest.approx(START + 3600.12, abs=0.1)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    az.says({"subscription": "s"}, exp=START + 1800)
    assert signed_in().session.tokens["arm"].expires_at == START + 1800


@pytest.mark.parametrize("providers", [["entra_roles"], ["groups"], ["azure_resources", "entra_roles"]])
def test_it_serves_azure_only_and_says_so(signed_in, az, providers):
    error = refused(signed_in, providers=providers)
    assert error.code == "invalid_option"
    assert "azure_resources only" in error.message
    assert az.calls == []


def test_it_is_asked_again_by_itself(signed_in, az, fake):
    access = signed_in(tenant=TENANT).access
    first = access.token("arm")
    assert access.session.can_refresh
    az.says()
    fake.advance(3600)
    assert access.token("arm") != first
    assert az.calls[1] == az.calls[0]


def test_another_account_meanwhile_is_not_taken_for_the_sessions(signed_in, az, fake):
    access = signed_in().access
    az.says(oid="somebody else")
    fake.advance(3600)
    assert refused(access.token, "arm").code == "not_connected"


def test_an_older_token_than_the_activation_is_not_handed_out(signed_in, az):
    """Azure CLI keeps its tokens: what it hands out may be from before."""
    access = signed_in().access
    access.switched_on(START)
    az.says(iat=START - 600)
    assert refused(access.resource_token, ARM).code == "session_expired"
    az.says(iat=START)
    assert access.resource_token("https://vault.azure.net").access_token


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ("ERROR: Please run 'az login' to setup account.", "login_failed", ["not signed in", "az login"]),
        (
            "ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 1\nPlease run: az login",
            "session_expired",
            ["AADSTS700082", "az login"],
        ),
        (
            "WARNING: x\nERROR: AADSTS50076: Due to a configuration change you must use multi-factor authentication.",
            "mfa_required",
            ["AADSTS50076", "az login"],
        ),
        ("ERROR: AADSTS90002: Tenant 'x' not found.", "login_failed", ["AADSTS90002"]),
        (
            "ERROR: HTTPSConnectionPool(host='x', port=443): Max retries exceeded with url: / (Caused by "
            "NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))",
            "network",
            ["Azure CLI cannot reach", "Connection refused", "proxy"],
        ),
        ("ERROR: ('Connection aborted.', ConnectionResetError(104, 'reset'))", "network", ["Azure CLI cannot reach"]),
        ("Traceback: something broke", "login_failed", ["something broke"]),
        ("", "login_failed", ["Azure CLI gave no token"]),
    ],
)
def test_what_it_refuses_is_told_in_our_words(signed_in, az, told, code, words):
    az.refuses(told)
    error = refused(signed_in)
    assert error.code == code
    assert all(word in error.sentence for word in words)


def test_a_session_whose_login_is_gone_has_expired(signed_in, az, fake):
    access = signed_in().access
    az.refuses("ERROR: Please run 'az login' to setup account.")
    fake.advance(3600)
    error = refused(access.token, "arm")
    assert error.code == "session_expired"
    assert "az login" in error.sentence


@pytest.mark.parametrize(
    "output", ["", "null", "[]", "no JSON", '{"accessToken": 5}', '{"accessToken": "x"}', "[" * 10**5]
)
def test_answers_that_are_none(signed_in, az, output):
    az.acts(f"print({output!r})")
    assert refused(signed_in).code == "invalid_response"


def test_tokens_in_its_complaints_are_not_shown(signed_in, az):
    az.refuses(f"ERROR: could not use {jwt()}")
    assert "eyJ" not in refused(signed_in).sentence


def test_without_az(signed_in, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused(signed_in)
    assert error.code == "missing_dependency"
    assert "az" in error.message


def test_it_ends_with_all_it_has_started(signed_in, az, monkeypatch, tmp_path):
    monkeypatch.setattr(azure_cli, "_SECONDS", 1.0)
    az.acts(
        "import subprocess, time\n"
        "child = subprocess.Popen(['sleep', '60']); (here / 'child').write_text(str(child.pid)); time.sleep(60)"
    )
    started = time.monotonic()
    error = refused(signed_in)
    assert error.code == "network"
    assert time.monotonic() - started < 10
    child = int((tmp_path / "bin" / "child").read_text())
    # What was killed may lie there until its new parent has looked.
    for _look in range(100):
        if not os.path.exists(f"/proc/{child}") or "State:\tZ" in Path(f"/proc/{child}/status").read_text():
            return
        time.sleep(0.05)
    raise AssertionError("the process that az had started lives on")


@pytest.mark.parametrize(
    "given",
    [
        {"client_secret": "s"},
        {"password": "p", "username": "operator@contoso.example"},
        {"certificate_path": "/x"},
        {"federated_token_file": "/x"},
        {"access_token": "t"},
        {"client_id": AZ},
    ],
)
def test_it_goes_with_no_credential(signed_in, az, given):
    error = refused(signed_in, **given)
    assert error.code == "invalid_option"
    assert "azure_cli" in error.message
    assert az.calls == []


def test_it_is_never_taken_by_auto(connected, az):
    assert refused(connected, {}, providers=["azure_resources"]).code == "not_connected"
    assert az.calls == []
