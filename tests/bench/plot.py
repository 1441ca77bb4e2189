# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the plot of docs/performance.md with matplotlib, of what comes in as JSON: ``plot.py FILE.svg``.

``{"latencies": [ms, ...], "works": [{"title", "rows": [{"name", "seconds": [of each latency]}]}]}``. The background is its own, so that
it is as legible on a dark page as on a light one. A name that ends in ``.png`` makes a picture to look at.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot

COLOURS = ("#9ecae1", "#4292c6", "#08458b")
OURS = "entra.pim"
INK = "#1f2328"
PAPER = "#ffffff"
BAR = 0.26


def draw(told: dict, file: Path) -> None:
    mpl.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "entra.pim", "font.family": "sans-serif", "font.size": 10}
    )
    heights = [max(len(work["rows"]), 1) for work in told["works"]]
    figure, panels = pyplot.subplots(
        len(heights), 1, figsize=(9, 0.62 * sum(heights) + 1.8), height_ratios=heights, facecolor=PAPER
    )
    for panel, work in zip(panels, told["works"]):
        _panel(panel, work, told["latencies"])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False, labelcolor=INK)
    figure.tight_layout(rect=(0, 0.045, 1, 1))
    metadata = {"Date": None} if file.suffix == ".svg" else {}
    figure.savefig(file, facecolor=PAPER, metadata=metadata)
    if file.suffix == ".svg":
        # no white space at the end of a line, as in every file of the repository
        lines = [line.rstrip() for line in file.read_text(encoding="utf-8").splitlines()]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _panel(panel, work: dict, latencies: list[int]) -> None:
    rows = work["rows"]
    longest = max((max(row["seconds"]) for row in rows), default=1)
    for number, latency in enumerate(latencies):
        places = [place + (number - (len(latencies) - 1) / 2) * BAR for place in range(len(rows))]
        seconds = [row["seconds"][number] for row in rows]
        panel.barh(places, seconds, BAR, color=COLOURS[-len(latencies) :][number], label=f"{latency} ms for each call")
        for place, value in zip(places, seconds):
            panel.text(value + longest * 0.008, place, f"{value:.1f}", va="center", fontsize=7.5, color=INK)
    panel.set_yticks(range(len(rows)), [row["name"] for row in rows])
    for text in panel.get_yticklabels():
        if text.get_text().startswith(OURS):
            text.set_fontweight("bold")
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.set_xlim(0, longest * 1.08)
    panel.set_title(
        f"{work['title']}: seconds, from the start of the program to its end", loc="left", color=INK, fontsize=11
    )
    panel.set_facecolor(PAPER)
    panel.tick_params(colors=INK, length=0)
    panel.xaxis.grid(True, color="#d0d7de", linewidth=0.6)
    panel.set_axisbelow(True)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color("#8c959f")


if __name__ == "__main__":
    draw(json.load(sys.stdin), Path(sys.argv[1]))
