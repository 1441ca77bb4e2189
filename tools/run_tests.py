# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run layers of tests, two jobs at a time, and say how much each ran: ``python -m tools.run_tests [LAYER ...]``.

A job that ran nothing has failed, whatever its exit status says. The output of a job goes to ``.build/logs/``, and to
the screen where it failed; which tests failed is told again at the end. The last line is ``N passed, N failed``, with
``, N skipped`` where something was skipped.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tools import layout
from tools.layers import LAYERS, Job, jobs
from tools.venvs import lane_venv

AT_ONCE = 2
# Lines of a failed job's output that are repeated on the screen.
SHOWN = 300
# Characters of what a failed test says that are repeated at the end.
TOLD = 300

# Set when the run is to end early: each running job then ends its pytest, no further one starts.
_interrupted = threading.Event()


@dataclass(frozen=True)
class Count:
    """How many tests ended how, the reasons of those skipped, which failed, and what is wrong beyond failed tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    why_skipped: Counter[str] = field(default_factory=Counter)
    which_failed: tuple[str, ...] = ()
    problem: str | None = None


def read_report(report: Path, status: int) -> Count:
    """Read the JUnit report of one pytest run that ended with ``status``.

    A run without a report, without a test that was not skipped, or with a status its tests do not explain counts as a
    failure of its own.
    """
    if not report.is_file():
        return Count(failed=1, problem=f"pytest wrote no report (exit status {status})")
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314 - our own pytest wrote it
    total, errors, failures, skipped = (
        sum(int(suite.get(name, "0")) for suite in suites) for name in ("tests", "errors", "failures", "skipped")
    )
    failed = errors + failures
    passed = max(total - failed - skipped, 0)
    reasons = Counter(case.get("message") or "no reason" for suite in suites for case in suite.iter("skipped"))
    cases = [case for suite in suites for case in suite.iter("testcase")]
    which = tuple(_told(case) for case in cases if case.find("failure") is not None or case.find("error") is not None)
    problem = None
    if passed + failed == 0:
        problem = "nothing was run"
    elif failed == 0 and status != 0:
        problem = f"pytest ended with exit status {status}"
    return Count(passed, failed + (problem is not None), skipped, reasons, which, problem)


def _told(case: ElementTree.Element) -> str:
    """The name of a failed test and the first line of what it says, as one line."""
    said = next(child for child in case if child.tag in ("failure", "error"))
    first = (said.get("message") or "").strip().partition("\n")[0]
    return f"{case.get('classname')}::{case.get('name')}: {first[:TOLD]}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a pytest run of ours and what it started: asked first, so that fixtures can clean up, then made to."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _pytest(job: Job, venv: Path, log: Path, report: Path) -> int:
    """Run pytest for ``job`` with its output in ``log``; returns its exit status, 124 where it exceeded its limit."""
    command = [str(venv / "bin" / "python"), "-m", "pytest", *job.arguments, f"--junitxml={report}"]
    deadline = time.monotonic() + job.layer.limit
    with log.open("w") as stream:
        process = subprocess.Popen(
            command,
            cwd=layout.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while time.monotonic() < deadline and not _interrupted.is_set():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(timeout=0.2)
            stream.write(f"\nended by its limit of {job.layer.limit} s, or by an interrupt\n")
            return 124
        finally:
            _end(process)


def run(job: Job) -> Count:
    """Run one job and print how it ended."""
    if _interrupted.is_set():
        return Count(failed=1, problem="interrupted")
    venv = lane_venv(job.lane) if job.lane else layout.MAIN_VENV
    if venv is None:
        names = " or ".join(f"{major}.{minor}" for major, minor in job.lane.pythons) if job.lane else ""
        print(f"{job.name}: skipped, no Python {names} was found", flush=True)
        return Count(skipped=1)
    log, report = layout.LOGS / f"{job.name}.log", layout.LOGS / f"{job.name}.xml"
    report.unlink(missing_ok=True)
    start = time.monotonic()
    count = read_report(report, _pytest(job, venv, log, report))
    seconds = time.monotonic() - start
    lines = [f"{job.name}: {count.passed} passed, {count.failed} failed, {count.skipped} skipped, {seconds:.0f} s"]
    lines += [f"{job.name}: {number} skipped: {reason}" for reason, number in sorted(count.why_skipped.items())]
    if count.problem:
        lines.append(f"{job.name}: {count.problem}")
    if count.failed:
        output = log.read_text(errors="replace").splitlines()
        lines += [f"{job.name} | {line}" for line in output[-SHOWN:]]
        lines.append(f"{job.name}: all {len(output)} lines are in {log}")
    print("\n".join(lines), flush=True)
    return count


def main(names: list[str]) -> int:
    """Run the layers named, or all; returns the exit status."""
    unknown = set(names) - {layer.name for layer in LAYERS}
    if unknown:
        print(f"no such layer: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    layout.LOGS.mkdir(parents=True, exist_ok=True)
    wanted = jobs(tuple(layer for layer in LAYERS if not names or layer.name in names))
    together = [job for job in wanted if not job.layer.alone]
    alone = [job for job in wanted if job.layer.alone]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: _interrupted.set())
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        counts = list(pool.map(run, together))
    counts += [run(job) for job in alone]
    passed = sum(count.passed for count in counts)
    failed = sum(count.failed for count in counts)
    skipped = sum(count.skipped for count in counts)
    # Last, because the end is what is kept and read of a long output.
    for job, count in zip((*together, *alone), counts, strict=True):
        for line in (*count.which_failed, *([count.problem] if count.problem else [])):
            print(f"FAILED {job.name}: {line}")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
