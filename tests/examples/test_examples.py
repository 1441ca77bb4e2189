# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook of ``examples/`` does against the simulator what it says."""

from __future__ import annotations

import json
import re
import subprocess
import time
from datetime import datetime, timedelta

import pytest

from examples import playbooks
from simulator_process import DEFAULT_TENANT, Simulator
from tools import layout

_EXAMPLES = layout.ROOT / "examples"
_DEMO_TENANT = _EXAMPLES / "demo_tenant.yml"
_PLAYBOOKS = sorted(path for path in _EXAMPLES.glob("*.yml") if path != _DEMO_TENANT)


@pytest.fixture(scope="module")
def running():
    with Simulator(changes=playbooks.UNATTENDED) as simulator:
        yield simulator


@pytest.fixture
def simulator(running):
    running.control("POST", "reset")
    return running


@pytest.fixture
def play(simulator, tmp_path):
    """Run one example, with options given as extra variables; one place of sessions for the whole test."""
    environment = playbooks.variables(simulator, tmp_path / "sessions")

    def run(name, **options):
        return playbooks.run(_EXAMPLES / name, environment, "-e", json.dumps(options))

    return run


def _changed(output):
    return int(re.search(r"changed=(\d+)", output)[1])


def test_every_example_is_run():
    """A new example without a test of its own would be found here."""
    text = "".join(path.read_text() for path in layout.ROOT.glob("tests/examples/test_*.py"))
    for path in _EXAMPLES.rglob("*.yml"):
        assert f'"{path.name}"' in text, f"no test runs {path.name}"


def test_elevate(tmp_path):
    """In the tenant of the demo: refused, accepted, given back; and once more."""
    with Simulator(tenant=_DEMO_TENANT) as simulator:
        environment = playbooks.variables(simulator, tmp_path)
        # Elevate and give back; the first time, sign in as well.
        for changes in (3, 2):
            output = playbooks.run(_EXAMPLES / "elevate.yml", environment)
            assert _changed(output) == changes
            assert "403: refused" in output
            assert "200: accepted, 1 named locations" in output
            after = output[output.index("TASK [The roles after]") :]
            assert re.search(r"Security Reader +Directory +yes +- +-", after)
            assert simulator.activations() == set()
            assert "Sim-" not in output
            assert "eyJ" not in output


def test_elevate_gives_back_where_the_work_fails(simulator, tmp_path):
    """The work is asked for at an address that no role opens."""
    environment = playbooks.variables(simulator, tmp_path)
    address = f"{simulator.url}/v1.0/identity/conditionalAccess/policies"
    # One attempt in place of many: the wait for late permissions is not what is tested.
    playbook = tmp_path / "elevate.yml"
    playbook.write_text((_EXAMPLES / "elevate.yml").read_text().replace("retries: 12", "retries: 0"))
    done = subprocess.run(
        playbooks.command(playbook, "-e", f"pim_url={address}"),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert "RUNNING HANDLER [Give back what this play took]\n" in re.sub(r" \*+\n", "\n", done.stdout)
    assert simulator.activations() == set()


# What three_providers.yml takes, by the names of the simulator.
_TAKEN = {
    ("Security Reader", "/"),
    ("member", "Server Admins"),
    ("Contributor", "/subscriptions/6b4f0d92-37ae-4c58-91e0-d2a7c5f8134b/resourceGroups/rg-web"),
}


@pytest.fixture
def demo(tmp_path):
    """The tenant of the demo, and how to run an example in it as a client that serves all three providers."""
    with Simulator(tenant=_DEMO_TENANT) as simulator:
        environment = playbooks.variables(simulator, tmp_path / "sessions") | playbooks.OWN_CLIENT

        def run(name, *arguments):
            return playbooks.run(_EXAMPLES / name, environment, *arguments)

        yield simulator, run


def test_three_providers(demo):
    """Refused, accepted and given back with each of the three; and once more."""
    simulator, run = demo
    # Elevate and give back; the first time, sign in as well.
    for changes in (3, 2):
        output = run("three_providers.yml")
        assert _changed(output) == changes
        assert "for entra_roles, groups, azure_resources" in " ".join(output.split())
        assert output.count("403: refused") == 3
        assert output.count("200: accepted") == 3
        after = output[output.index("TASK [The roles after]") :]
        for row in (r"Security Reader +Directory", r"member +Server Admins", r"Contributor +Production"):
            assert re.search(rf"{row} +yes +- +-", after)
        assert simulator.activations() == set()
        assert "Sim-" not in output
        assert "eyJ" not in output
    requests = simulator.control("GET", "requests")["requests"]
    assert {one["action"] for one in requests} == {"selfActivate", "selfDeactivate"}
    assert len(requests) == 2 * 2 * len(_TAKEN)
    # One sign-in: one code was shown.
    assert len(simulator.calls("devicecode$")) == 1


def test_three_providers_gives_back_where_the_work_fails(demo, tmp_path):
    """The work asks for an Azure role that is not among those taken."""
    simulator, run = demo
    playbook = tmp_path / "three_providers.yml"
    text = (_EXAMPLES / "three_providers.yml").read_text()
    playbook.write_text(text.replace("retries: 30", "retries: 0"))
    roles = [{"role": "Security Reader"}, {"provider": "groups", "role": "member", "scope": "Server Admins"}]
    with pytest.raises(AssertionError, match=r"RUNNING HANDLER .Give back what this play took"):
        run(playbook, "-e", json.dumps({"pim_roles": roles}))
    assert simulator.activations() == set()
    requests = simulator.control("GET", "requests")["requests"]
    assert [one["action"] for one in requests].count("selfDeactivate") == len(roles)


def test_groups(demo):
    simulator, run = demo
    for changes in (3, 2):
        output = run("groups.yml", "-e", "pim_too_early=wait")
        assert _changed(output) == changes
        assert "member of Server Admins until" in output
        assert simulator.activations() == set()


def test_azure_resources(demo):
    simulator, run = demo
    for changes in (3, 2):
        output = run("azure_resources.yml", "-e", "pim_too_early=wait")
        assert _changed(output) == changes
        assert "Contributor at /subscriptions/6b4f0d92-37ae-4c58-91e0-d2a7c5f8134b: not active" in output
        assert "patched:" in output
        assert simulator.activations() == set()
    scopes = {one["scope"] for one in simulator.control("GET", "requests")["requests"]}
    assert scopes == {"/subscriptions/6b4f0d92-37ae-4c58-91e0-d2a7c5f8134b/resourceGroups/rg-web"}


def test_elevate_leaves_what_was_active_before(play, simulator):
    play("long_work.yml", pim_role="Security Reader")
    output = play("elevate.yml")
    assert "200: accepted, the account had the right already" in output
    assert _changed(output) == 0
    assert simulator.activations() == {("Security Reader", "/")}


@pytest.mark.parametrize("path", _PLAYBOOKS, ids=lambda path: path.stem)
def test_check_mode_from_a_clean_start(simulator, tmp_path, path):
    """Nobody is signed in, nothing is asked of the service, and the whole playbook passes."""
    environment = playbooks.variables(simulator, tmp_path / "sessions")
    playbooks.run(path, environment | playbooks.OWN_CLIENT, "--check", "--diff")
    assert not (tmp_path / "sessions").exists()
    assert simulator.calls("devicecode|/token|/v1.0/|/providers/") == []


def test_check_mode_of_elevate_with_a_session(play, simulator, tmp_path):
    play("list_roles.yml")
    output = playbooks.run(
        _EXAMPLES / "elevate.yml", playbooks.variables(simulator, tmp_path / "sessions"), "--check", "--diff"
    )
    assert _changed(output) == 1
    assert simulator.control("GET", "requests")["requests"] == []


def test_list_roles(play, simulator):
    output = " ".join(play("list_roles.yml").split())
    assert "Security Administrator at Directory: not active, at most PT4H, with a ticket" in output
    assert "Privileged Role Administrator at Directory: not active, at most PT4H, after approval" in output
    assert simulator.activations() == set()


def test_many_roles(play, simulator):
    output = play("many_roles.yml")
    assert "Groups Administrator, User Administrator, Password Administrator" in output
    # sign in, elevate, give back
    assert _changed(output) == 3
    assert simulator.activations() == set()
    actions = [(one["action"], one["role"]) for one in simulator.control("GET", "requests")["requests"]]
    assert sorted(actions) == sorted(
        (action, role)
        for action in ("selfActivate", "selfDeactivate")
        for role in ("Groups Administrator", "User Administrator", "Password Administrator")
    )


def test_restore(play, simulator):
    output = play("restore.yml")
    assert "Held: Security Reader" in output
    assert simulator.activations() == set()
    actions = [one["action"] for one in simulator.control("GET", "requests")["requests"]]
    assert sorted(actions) == ["selfActivate", "selfDeactivate"]


def test_long_work(play, simulator):
    assert _changed(play("long_work.yml")) == 2
    assert _changed(play("long_work.yml")) == 0
    simulator.advance("PT3H")
    assert _changed(play("long_work.yml")) == 1
    (row,) = [row for row in simulator.control("GET", "state")["active"] if row["type"] == "Activated"]
    end = datetime.fromisoformat(row["end"].replace("Z", "+00:00"))
    now = datetime.fromisoformat(re.sub(r"\.\d+Z$", "+00:00", simulator.control("GET", "time")["now"]))
    assert end - now > timedelta(hours=3, minutes=50)


# In place of a part's work: three hours pass.
_PASS = """
- name: Three hours pass
  ansible.builtin.uri:
    url: "{{ control_url }}/time"
    method: POST
    headers: {X-Simulator-Key: "{{ lookup('ansible.builtin.file', control_key_file) }}"}
    ca_path: "{{ ca_path }}"
    body: {advance: PT3H}
    body_format: json
"""


def test_long_work_is_renewed_between_its_parts(simulator, tmp_path):
    (tmp_path / "tasks").mkdir()
    part = (_EXAMPLES / "tasks" / "long_work_part.yml").read_text()
    (tmp_path / "tasks" / "long_work_part.yml").write_text(part + _PASS)
    playbook = tmp_path / "long_work.yml"
    playbook.write_text((_EXAMPLES / "long_work.yml").read_text())
    environment = playbooks.variables(simulator, tmp_path / "sessions")
    output = playbooks.run(playbook, environment, "-e", json.dumps(simulator.description))
    # The sign-in, and before each part an activation or its renewal.
    assert _changed(output) == 4
    actions = [one["action"] for one in simulator.control("GET", "requests")["requests"]]
    assert actions == ["selfActivate", *["selfDeactivate", "selfActivate"] * 2]


def test_scheduled_start(play, simulator):
    now = datetime.fromisoformat(re.sub(r"\.\d+Z$", "+00:00", simulator.control("GET", "time")["now"]))
    start = f"{now + timedelta(days=1):%Y-%m-%dT22:00:00Z}"
    assert start in play("scheduled_start.yml", pim_start=start)
    assert simulator.activations() == set()
    assert _changed(play("scheduled_start.yml", pim_start=start)) == 0
    assert _changed(play("scheduled_start.yml", pim_state="inactive")) == 1
    assert _changed(play("scheduled_start.yml", pim_state="inactive")) == 0


def test_rehearsal(play, simulator):
    assert "1 would be activated" in play("rehearsal.yml")
    assert simulator.activations() == set()
    assert simulator.control("GET", "requests")["requests"] == []


def test_safety_net(simulator, tmp_path):
    """With the settings of the guide. Without them the role stays on."""
    environment = playbooks.variables(simulator, tmp_path / "sessions")
    guide = (layout.ROOT / "docs" / "safety_net.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"^```ini\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    (tmp_path / "ansible.cfg").write_text(settings)
    guarded = environment | {"ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg")}
    for variables, left in ((guarded, set()), (environment, {("Security Reader", "/")})):
        output = playbooks.run(_EXAMPLES / "safety_net.yml", variables)
        found = re.search(r"^Security Reader +/ +20\S+Z +20\S+Z +yes$", output, re.MULTILINE)
        assert bool(found) is not bool(left), output
        assert simulator.activations() == left


def test_module_defaults(simulator, tmp_path):
    environment = playbooks.variables(simulator, tmp_path / "sessions")
    # Passwords, so that two accounts can sign in.
    del environment["ENTRA_PIM_AUTH_METHOD"]
    secrets = tmp_path / "secrets.yml"
    secrets.write_text("pim_first_password: Sim-operator-password-1\npim_second_password: Sim-manyroles-password-1\n")
    output = playbooks.run(_EXAMPLES / "module_defaults.yml", environment, "-e", f"@{secrets}")
    first, second = re.search(r"operator@contoso.example: (\d+), manyroles@contoso.example: (\d+)", output).groups()
    tenant = DEFAULT_TENANT.read_text()
    assert int(first) > 10
    assert int(second) == tenant.count("{principal: manyroles@contoso.example, role:")
    assert "Sim-" not in output


def test_ticket(play, simulator):
    assert _changed(play("ticket.yml")) == 3
    assert simulator.activations() == set()
    request = next(one for one in simulator.control("GET", "requests")["requests"] if one["action"] == "selfActivate")
    assert "CHG0012345" in json.dumps(request)


def test_approval(simulator, tmp_path):
    process = subprocess.Popen(
        playbooks.command(_EXAMPLES / "approval.yml"),
        env=playbooks.variables(simulator, tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        waiting = []
        while not waiting:
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline, "no request came"
            time.sleep(0.2)
            requests = simulator.control("GET", "requests")["requests"]
            waiting = [one for one in requests if one["status"] == "PendingApproval"]
        decision = {"decision": "approve", "approver": "approver@contoso.example", "justification": "agreed"}
        simulator.control("POST", f"requests/{waiting[0]['id']}/decision", decision)
        output, _errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 0, output
    assert "Waiting for an approver: Privileged Role Administrator" in output
    assert simulator.activations() == {("Privileged Role Administrator", "/")}


_ASK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - entra.pim.pim_role_activation:
        roles:
          - {role: Privileged Role Administrator}
          - {provider: groups, role: member, scope: Change Board}
        justification: Quarterly review
        ticket_number: CHG-7
        wait: false
"""


def test_approver(simulator, tmp_path):
    """Two requests wait; they are shown, then one is approved and the other denied, then nothing is left."""
    ask = tmp_path / "ask.yml"
    ask.write_text(_ASK)

    def as_(name, playbook, *arguments):
        environment = playbooks.variables(simulator, tmp_path / "sessions")
        del environment["ENTRA_PIM_AUTH_METHOD"]
        account = {
            "ENTRA_PIM_USERNAME": f"{name}@contoso.example",
            "ENTRA_PIM_PASSWORD": f"Sim-{name}-password-1",
        }
        return playbooks.run(playbook, environment | account, *arguments)

    def of_status(status):
        requests = simulator.control("GET", "requests")["requests"]
        return [one["role"] for one in requests if one["status"] == status]

    as_("operator", ask)
    shown = " ".join(as_("approver", _EXAMPLES / "approver.yml").split())
    assert of_status("PendingApproval") == ["Privileged Role Administrator", "member"]
    assert (
        "Operator asks for Privileged Role Administrator at Directory for PT1H, ticket CHG-7: Quarterly review" in shown
    )
    assert "Operator asks for member at Change Board for PT1H" in shown
    first, second = (one["id"] for one in simulator.control("GET", "requests")["requests"])
    named = json.dumps({"pim_approve": [first], "pim_deny": [second]})
    assert _changed(as_("approver", _EXAMPLES / "approver.yml", "-e", named)) == 1
    assert simulator.activations() == {("Privileged Role Administrator", "/")}
    assert of_status("Denied") == ["member"]
    assert _changed(as_("approver", _EXAMPLES / "approver.yml", "-e", named)) == 0
