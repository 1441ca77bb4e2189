# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipelines of the guide: their own shell steps, with tokens of an issuer that the tenant trusts."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
import yaml

from applications import AUDIENCE, GITHUB, Key
from examples import headless
from integration import leaks
from simulator_process import Simulator, read_tenant

_REPORTING = read_tenant()["service_principals"][0]
_CLIENT_ID = _REPORTING["client_id"]
_SUBJECTS = headless.last_cells("### In Entra", "the job runs for")
_ENVIRONMENT = _SUBJECTS["an environment"]
_REPORT = headless.block("## The playbook of the examples", "yaml")
_WORKFLOW = headless.block("### The workflow", "yaml")
_SHOWN = "Directory Readers, Guest Inviter"


@pytest.fixture(scope="module")
def issuer():
    """The key of whoever issues the tokens of pipelines."""
    return Key()


@pytest.fixture(scope="module")
def running(issuer):
    """A tenant whose reporting application trusts every subject that the guide names, and two of other issuers."""
    trusted = [
        *(issuer.trusted(GITHUB, subject) for subject in _SUBJECTS.values()),
        issuer.trusted(*_DEVOPS),
        issuer.trusted(*_GITLAB),
    ]
    with Simulator(changes={"service_principals": [{**_REPORTING, "federated_credentials": trusted}]}) as simulator:
        yield simulator


_DEVOPS = ("https://vstoken.dev.azure.com/0b1c", "sc://contoso/automation/contoso-pim")
_GITLAB = ("https://gitlab.com", re.findall(r"`(project_path:[^`]+)`", headless.section("## GitLab"))[0])


@pytest.fixture
def simulator(running):
    running.control("POST", "reset")
    return running


class GitHub:
    """Where a job fetches its token: HTTPS, for the bearer of the job's own secret, for the audience asked for."""

    def __init__(self, issuer: Key, directory: Path) -> None:
        self.secret = secrets.token_urlsafe(64)
        self.subject = _ENVIRONMENT
        self.status = 200
        self.issued: list[str] = []
        authority = trustme.CA()
        self.ca_path = directory / "github_ca.pem"
        authority.cert_pem.write_to_path(self.ca_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        github = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name http.server asks for
                query = parse_qs(urlsplit(self.path).query)
                allowed = self.headers["Authorization"] == f"bearer {github.secret}" and "api-version" in query
                status = github.status if allowed else 403
                content: dict[str, Any] = {"message": "no"}
                if status == 200:
                    github.issued.append(issuer.token(GITHUB, github.subject, query["audience"][0]))
                    content = {"count": 1, "value": github.issued[-1]}
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_arguments: object) -> None:
                """Not on the screen of the tests."""

        self.server = ThreadingHTTPServer(("localhost", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"https://localhost:{self.server.server_address[1]}/token/42?api-version=2.0"


@pytest.fixture
def github(issuer, tmp_path):
    serving = GitHub(issuer, tmp_path)
    yield serving
    serving.server.shutdown()
    serving.server.server_close()


class Runner:
    """Runs steps as GitHub's runner does: a script in a file, with `GITHUB_ENV` for what later steps are to know."""

    def __init__(self, simulator: Simulator, github: GitHub, directory: Path) -> None:
        headless.needs("bash", "curl", "jq")
        self.workflow = yaml.safe_load(_WORKFLOW)
        (self.job,) = self.workflow["jobs"].values()
        self.temporary = directory / "runner"
        self.checkout = directory / "checkout"
        programs = directory / "programs"
        for path in (self.temporary, self.checkout, programs):
            path.mkdir()
        (self.checkout / "report.yml").write_text(_REPORT)
        self.variables_file = directory / "github_env"
        self.variables_file.touch()
        # Notes what others on the machine would see of curl.
        self.arguments = directory / "curl_arguments"
        (programs / "curl").write_text(f'#!/bin/sh\necho "$@" >> {self.arguments}\nexec {shutil.which("curl")} "$@"\n')
        (programs / "curl").chmod(0o700)
        settings = {name: self._expression(str(value)) for name, value in self.job["env"].items()}
        self.environment = {
            **os.environ,
            **simulator.environment,
            **settings,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": github.secret,
            "ACTIONS_ID_TOKEN_REQUEST_URL": github.url,
            "CURL_CA_BUNDLE": str(github.ca_path),
            "GITHUB_ENV": str(self.variables_file),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temporary),
            "XDG_STATE_HOME": str(directory / "state"),
        }

    def _expression(self, text: str) -> str:
        return re.sub(r"\$\{\{ vars\.ENTRA_PIM_CLIENT_ID \}\}", _CLIENT_ID, text)

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        (step,) = [one for one in self.job["steps"] if one.get("name") == name]
        assert self.job["defaults"]["run"]["shell"] == "bash"
        script = self.temporary / "script.sh"
        script.write_text(step["run"])
        variables = dict(line.split("=", 1) for line in self.variables_file.read_text().splitlines())
        return subprocess.run(
            # What GitHub starts for `shell: bash`.
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.checkout,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture
def runner(simulator, github, tmp_path):
    return Runner(simulator, github, tmp_path)


# What GitHub knows (workflow syntax), as far as the guide uses it; `runner` is not known to the env of a job.
_KEYS = {
    "workflow": {"name", "on", "permissions", "env", "defaults", "concurrency", "jobs", "run-name"},
    "job": {
        "name", "permissions", "needs", "if", "runs-on", "environment", "concurrency", "outputs", "env", "defaults",
        "steps", "timeout-minutes", "strategy", "continue-on-error", "container", "services",
    },
    "step": {"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "timeout-minutes"},
}  # fmt: skip


def test_workflow_is_one():
    workflow = yaml.safe_load(_WORKFLOW)
    # YAML 1.1 reads `on` as true; GitHub does not.
    workflow["on"] = workflow.pop(True)
    assert set(workflow) <= _KEYS["workflow"]
    assert set(workflow["on"]) <= {"schedule", "workflow_dispatch"}
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    for job in workflow["jobs"].values():
        assert set(job) <= _KEYS["job"]
        assert not re.search(r"\$\{\{\s*(?:runner|env|steps|secrets)\b", str(job["env"]))
        for step in job["steps"]:
            assert set(step) <= _KEYS["step"]
            assert ("uses" in step) != ("run" in step)
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])
    assert not re.search(r"secrets\.", _WORKFLOW), "there is no secret to keep"


@pytest.mark.parametrize("form", _SUBJECTS)
def test_workflow(runner, github, tmp_path, form):
    """Every form of subject that the guide names is taken, and one that is not trusted is not."""
    github.subject = _SUBJECTS[form]
    fetched = runner.step("Fetch the token of the job")
    assert (fetched.returncode, fetched.stdout) == (0, "")
    token = runner.temporary / "entra_pim_token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.read_text().strip() == github.issued[-1]
    assert github.secret not in runner.arguments.read_text()
    reported = runner.step("Report")
    assert reported.returncode == 0, reported.stdout
    assert _SHOWN in reported.stdout
    assert not leaks.leaks(reported.stdout.encode(), {github.secret, *github.issued})
    kept = json.loads((tmp_path / "state" / "entra-pim" / "job.json").read_text())
    assert (kept["auth_method"], kept["principal_type"]) == ("workload_identity", "service_principal")
    assert github.issued[-1] not in json.dumps(kept)


def test_a_subject_that_is_not_trusted(runner, github):
    github.subject = "repo:contoso/automation:ref:refs/heads/somewhere-else"
    assert runner.step("Fetch the token of the job").returncode == 0
    reported = runner.step("Report")
    assert reported.returncode == 2
    assert "login_failed" in reported.stdout
    assert not leaks.leaks(reported.stdout.encode(), {github.secret, *github.issued})


def test_no_token_is_given(runner, github):
    """A workflow without the permission, say: the step fails, and no later one finds a file."""
    github.status = 403
    assert runner.step("Fetch the token of the job").returncode != 0
    assert runner.variables_file.read_text() == ""


def test_long_job(runner, github, simulator, issuer):
    """Entra's token has ended, and then the one in the file."""
    for _turn in range(2):
        assert runner.step("Fetch the token of the job").returncode == 0
        assert runner.step("Report").returncode == 0
        simulator.advance("PT2H")
    (runner.temporary / "entra_pim_token").write_text(issuer.token(GITHUB, _ENVIRONMENT, seconds=-1))
    late = runner.step("Report")
    assert late.returncode == 2
    assert "AADSTS700024" in late.stdout
    assert runner.step("Fetch the token of the job").returncode == 0
    assert runner.step("Report").returncode == 0


def _script(simulator: Simulator, directory: Path, shell: str, script: str, variables: dict[str, str]) -> str:
    headless.needs(shell)
    (directory / "checkout").mkdir()
    (directory / "checkout" / "report.yml").write_text(_REPORT)
    done = subprocess.run(
        [shell, "-e", "-c", script],
        cwd=directory / "checkout",
        env={**os.environ, **simulator.environment, "XDG_STATE_HOME": str(directory / "state"), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_azure_devops(simulator, issuer, tmp_path):
    (task,) = yaml.safe_load(headless.block("## Azure DevOps", "yaml"))["steps"]
    assert task["task"] == "AzureCLI@2"
    assert task["inputs"]["addSpnToEnvironment"] is True
    assert task["inputs"]["scriptType"] == "bash"
    token = issuer.token(*_DEVOPS, AUDIENCE)
    variables = {"idToken": token, "servicePrincipalId": _CLIENT_ID, "tenantId": simulator.tenant_id}
    variables["AGENT_TEMPDIRECTORY"] = str(tmp_path)
    output = _script(simulator, tmp_path, "bash", task["inputs"]["inlineScript"], variables)
    assert _SHOWN in output
    assert not leaks.leaks(output.encode(), {token})
    assert (tmp_path / "entra_pim_token").stat().st_mode & 0o777 == 0o600


def test_gitlab(simulator, issuer, tmp_path):
    (job,) = yaml.safe_load(headless.block("## GitLab", "yaml")).values()
    (name,) = job["id_tokens"]
    assert job["id_tokens"][name] == {"aud": AUDIENCE}
    token = issuer.token(*_GITLAB, AUDIENCE)
    variables = {name: token, "CI_PROJECT_DIR": str(tmp_path / "checkout"), **job["variables"]}
    output = _script(
        simulator, tmp_path, "sh", "\n".join(job["script"]), {**variables, "ENTRA_PIM_CLIENT_ID": _CLIENT_ID}
    )
    assert _SHOWN in output
    assert not leaks.leaks(output.encode(), {token})
    assert (tmp_path / "checkout.token").stat().st_mode & 0o777 == 0o600


def test_the_guide_names_issuer_and_audience():
    assert f"| issuer | `{GITHUB}` |" in headless.section("### In Entra")
    assert f"| audience | `{AUDIENCE}` |" in headless.section("### In Entra")
