# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole benchmark, and what ``docs/performance.md`` says of it: ``python -m tools.bench``. With
``--rounds 1`` and ``--latencies 200`` it is shorter, and tells less.

Exit status 1 where a peer failed: its cells say so, and the others are there all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import bench_floor, bench_lists
from bench.comparison import (
    AGAIN,
    ENOUGH,
    LATENCIES,
    LIST,
    ONE,
    ROUNDS,
    TWENTY,
    WORKS,
    Cell,
    Comparison,
    compare,
    scratch,
)
from bench.peers.base import Peer, Work
from bench.stage import PAGE, ROWS
from tools import layout
from tools.clients import PLOT

DOCUMENT = layout.ROOT / "docs" / "performance.md"
PLOT_FILE = layout.ROOT / "docs" / "performance.svg"
BEGIN = "<!-- made by tests/bench/performance.py -->"
END = "<!-- end of what performance.py made -->"

# Of what 20 roles at 200 ms take: of the time of the uri tasks, and how many times slower the next fastest is to be.
FAR = 200
URI_SHARE = 0.1
FASTER = 5.0
# Of the memory that a list takes, to its JSON.
MEMORY_TIMES = 10.0

TITLES = {
    ONE: "One role",
    WORKS[1]: "Five roles",
    AGAIN: "The same five roles again, active already",
    TWENTY: "Twenty roles",
    LIST: f"A list of {ROWS:,} eligible roles, in pages of {PAGE}",
}


def label(peer: Peer) -> str:
    """The first cell of its row."""
    return f"{peer.name} (Azure roles)" if peer.azure else peer.name


def tables(found: Comparison) -> str:
    """One for each work, with a row for every peer."""
    lines: list[str] = []
    measured = {cell.work for cell in found.cells}
    for work, title in ((work, title) for work, title in TITLES.items() if work in measured):
        last = "rows told" if work.listing else "verified"
        heads = [*(f"{latency} ms" for latency in found.latencies), "CPU", "memory", "HTTP calls"]
        lines += [f"### {title}", "", f"| | {' | '.join(heads)} | {last} |", f"| --- | {'---: | ' * len(heads)}--- |"]
        lines += [_row(found, peer, work) for peer in found.peers]
        lines.append("")
    return "\n".join(lines)


def _row(found: Comparison, peer: Peer, work: Work) -> str:
    cells = [cell for latency in found.latencies if (cell := found.cell(peer, work, latency))]
    reason = next((f"cannot: {cell.cannot}" for cell in cells if cell.cannot), None)
    failed = [cell for cell in cells if cell.failed]
    if reason is None and len(failed) == len(cells):
        reason = f"failed: {failed[0].failed}".replace("|", "/")
    if reason is not None:
        return f"| {label(peer)} |{' |' * (len(cells) + 3)} {reason} |"
    done = next(cell for cell in cells if not cell.failed)
    most = max(cell.rounds for cell in found.cells)
    times = [_time(cell, once=cell.rounds == 1 < most) for cell in cells]
    last = done.runs[-1]
    told = f"{last.rows:,} of {ROWS:,}" if work.listing and last.rows is not None else last.verified.told()
    calls = sorted({cell.calls for cell in cells if not cell.failed})
    counted = f"{calls[0]}" if len(calls) == 1 else f"{calls[0]} to {calls[-1]}"
    figures = [*times, f"{done.cpu:.1f} s", f"{done.memory / 2**20:.0f} MB", counted, told]
    return f"| {label(peer)} | {' | '.join(figures)} |"


def _time(cell: Cell, *, once: bool) -> str:
    if cell.failed:
        return f"failed: {cell.failed}".replace("|", "/")
    told = f"{cell.seconds:.1f} s" if cell.seconds >= 10 else f"{cell.seconds:.2f} s"
    return f"{told} (once)" if once else told


def targets(found: Comparison, lists: Sequence[bench_lists.Reading]) -> list[str]:
    """A line for each, with the figures and what is reached; those of one task are with its figures."""
    lines = []
    seconds = {
        label(peer): cell.seconds for peer in found.versions if (cell := found.cell(peer, TWENTY, FAR)) and cell.runs
    }
    own = {name: seconds.pop(name) for name in list(seconds) if name.startswith("entra.pim, ")}
    ours = own.get("entra.pim, in the controller")
    uri = seconds.get("ansible.builtin.uri tasks")
    if ours and uri:
        lines.append(
            f"20 roles at 200 ms, beside the `uri` tasks: {ours:.2f} s of {uri:.1f} s, a share of {ours / uri:.3f} "
            f"(aim: less than {URI_SHARE}, {_reached(ours / uri < URI_SHARE)})."
        )
    for name, other in sorted(seconds.items(), key=lambda item: item[1]):
        mine = own.get("entra.pim, in the controller (Azure roles)") if name.endswith("(Azure roles)") else ours
        if mine:
            lines.append(
                f"20 roles at 200 ms, beside {name}: {mine:.2f} s and {other:.2f} s, {other / mine:.1f} times as fast "
                f"(aim: {FASTER:.0f}, {_reached(other / mine >= FASTER)})."
            )
    for one in lists:
        lines.append(
            f"Memory for a list of {one.asked:,} rows of `{one.provider}`: {one.grown / one.json:.1f} times its JSON "
            f"(aim: less than {MEMORY_TIMES:.0f}, {_reached(one.grown < MEMORY_TIMES * one.json)})."
        )
    return lines


def _reached(is_so: bool) -> str:
    return "reached" if is_so else "not reached"


def page(
    found: Comparison, lists: Sequence[bench_lists.Reading], plotted: bool, rounds: int = ROUNDS, note: str = ""
) -> str:
    """What stands between the marks."""
    about = [(label(peer), peer.notes, found.versions.get(peer)) for peer in found.peers]
    lines = [
        f"Measured on {os.cpu_count()} cores with Python {platform.python_version()}. Figures are medians of {rounds} "
        f"round{'s' if rounds > 1 else ''} in which all take turns. What has taken {ENOUGH:.0f} s is not measured again."
        f"{note and f' {note}'}",
        "",
        *(["![Seconds for one role and for twenty](performance.svg)", ""] if plotted else []),
        tables(found),
        "### What was measured, and how",
        "",
        *(
            f"- {name}: {notes} Versions: {versions}." if versions else f"- {name}: {notes}"
            for name, notes, versions in about
        ),
        "",
        "### Aims",
        "",
        *(f"- {line}" for line in targets(found, lists)),
    ]
    return "\n".join(lines)


def write(shown: str, document: Path = DOCUMENT) -> None:
    """Puts it into the guide, between its two marks. ValueError where they are not there."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{document.name} has no place for the comparison")
    document.write_text(f"{before}{BEGIN}\n\n{shown}\n\n{END}{after}", encoding="utf-8")


def series(found: Comparison) -> list[dict[str, Any]]:
    """What the plot shows: {title, rows: [{name, seconds: [of each latency]}]} for each work; a peer that has not all of them is
    left out here, and told of in the tables."""
    shown = []
    for work in (ONE, TWENTY):
        rows = []
        for peer in found.peers:
            cells = [cell for latency in found.latencies if (cell := found.cell(peer, work, latency)) and cell.runs]
            if len(cells) == len(found.latencies):
                rows.append({"name": label(peer), "seconds": [cell.seconds for cell in cells]})
        shown.append({"title": TITLES[work], "rows": rows})
    return shown


def plot(found: Comparison) -> bool:
    """Returns whether it could be drawn."""
    python = PLOT.venv / "bin" / "python"
    if not python.exists():
        print("no plot: its environment is not there", file=sys.stderr)
        return False
    told = {"latencies": found.latencies, "works": series(found)}
    program = Path(__file__).resolve().parent / "plot.py"
    ended = subprocess.run([str(python), str(program), str(PLOT_FILE)], input=json.dumps(told), text=True, check=False)
    return ended.returncode == 0


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures, and writes docs/performance.md.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each work is done (default: %(default)s)")
    parser.add_argument("--latencies", type=int, nargs="+", default=LATENCIES, help="milliseconds (default: all three)")
    parser.add_argument("--note", default="", help="a sentence on what the machine was like meanwhile")
    options = parser.parse_args()
    started = time.monotonic()
    # the short one first: where it fails, little is lost
    with scratch() as directory:
        lists = bench_lists.measure(directory, bench_lists.SIZES[-1:])
    with scratch() as directory:
        found = compare(directory, latencies=options.latencies, rounds=options.rounds, say=_say)
    plotted = plot(found)
    write(page(found, lists, plotted, options.rounds, options.note))
    bench_floor.main()
    print("\n".join(targets(found, lists)))
    # what a program asks beyond its work (a newer version, telemetry) ends at the proxy
    print(f"Asked for in vain: {', '.join(sorted(found.refused)) or 'nothing'}")
    for failure in found.failures:
        print(f"FAILED {failure}", file=sys.stderr)
    print(f"The benchmark took {(time.monotonic() - started) / 60:.0f} minutes.")
    return 1 if found.failures or not plotted else 0


if __name__ == "__main__":
    sys.exit(main())
