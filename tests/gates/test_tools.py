# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools behind the Makefile see it when a run of tests, or of ansible-test, was none."""

from __future__ import annotations

import os

import pytest

from tools import environment
from tools.lanes import main_lane
from tools.layers import LAYERS, jobs
from tools.run_tests import read_report
from tools.sanity import Outcome


def _report(tmp_path, cases: str, **numbers: int):
    path = tmp_path / "report.xml"
    counts = {"tests": 0, "errors": 0, "failures": 0, "skipped": 0, **numbers}
    attributes = " ".join(f'{name}="{number}"' for name, number in counts.items())
    path.write_text(f"<testsuites><testsuite {attributes}>{cases}</testsuite></testsuites>")
    return path


def test_report_is_counted(tmp_path):
    cases = (
        '<testcase/><testcase><skipped message="no Python"/></testcase><testcase/>'
        '<testcase classname="a.b" name="test_c[x]"><failure message="told&#10;in lines"/></testcase>'
        '<testcase classname="a.b" name="test_d"><error/></testcase>'
    )
    count = read_report(_report(tmp_path, cases, tests=5, failures=1, errors=1, skipped=1), 1)
    assert (count.passed, count.failed, count.skipped) == (2, 2, 1)
    assert count.why_skipped == {"no Python": 1}
    assert count.which_failed == ("a.b::test_c[x]: told", "a.b::test_d: ")
    assert count.problem is None


@pytest.mark.parametrize("status", [0, 5])
def test_a_run_of_nothing_has_failed(tmp_path, status):
    count = read_report(_report(tmp_path, ""), status)
    assert (count.passed, count.failed) == (0, 1)
    assert count.problem == "nothing was run"


def test_a_run_that_skipped_all_has_failed(tmp_path):
    count = read_report(_report(tmp_path, "<testcase><skipped/></testcase>", tests=1, skipped=1), 0)
    assert (count.passed, count.failed, count.skipped) == (0, 1, 1)


def test_a_run_without_a_report_has_failed(tmp_path):
    assert read_report(tmp_path / "none.xml", 4).failed == 1


def test_a_status_that_no_test_explains_is_a_failure(tmp_path):
    count = read_report(_report(tmp_path, "<testcase/>", tests=1), 3)
    assert (count.passed, count.failed) == (1, 1)


def test_jobs_are_every_layer_in_its_lanes():
    names = [job.name for job in jobs(LAYERS)]
    assert {"gates", "integration-2.16", "integration-2.21", "sanity-2.16", "unit-2.21", "unit-python-3.9"} <= set(
        names
    )
    # The lane in between is the main virtual environment's.
    assert not any(name.endswith("-2.19") for name in names)
    assert len(names) == len(set(names))


def test_main_lane_follows_the_python():
    assert [main_lane(version).core for version in ((3, 11), (3, 12), (3, 13))] == ["2.19", "2.21", "2.21"]
    with pytest.raises(LookupError):
        main_lane((3, 10))


def test_failed_sanity_tests_are_read():
    output = (
        'Running sanity test "pep8"\nERROR: x.py:1:1: E1: wrong\n'
        "FATAL: The 2 sanity test(s) listed below (out of 24) failed. See error output above for details.\n"
        "pep8\nimport on python 3.11\n"
    )
    outcome = Outcome(1, output)
    assert outcome.failed == {"pep8", "import"}
    assert outcome.started == {"pep8"}
    assert outcome.findings == "ERROR: x.py:1:1: E1: wrong"


def test_settings_of_the_machine_do_not_reach_tests(tmp_path, monkeypatch):
    for name in ("ANSIBLE_STDOUT_CALLBACK", "AZURE_CLIENT_SECRET", "ENTRA_PIM_TENANT", "PYTHONUNBUFFERED"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "bundle.pem")
    monkeypatch.delenv("PIP_CERT", raising=False)
    variables = environment.for_tests(tmp_path)
    assert not {"ANSIBLE_STDOUT_CALLBACK", "AZURE_CLIENT_SECRET", "ENTRA_PIM_TENANT", "PYTHONUNBUFFERED"} & set(
        variables
    )
    assert "REQUESTS_CA_BUNDLE" not in variables
    assert variables["PIP_CERT"] == "bundle.pem"
    assert variables["PATH"].split(os.pathsep)[0] == str(tmp_path / "bin")
