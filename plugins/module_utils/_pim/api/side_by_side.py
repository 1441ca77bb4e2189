# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several calls at a time, in threads. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def side_by_side(
    work: Callable[[Given], Made], items: Sequence[Given], at_once: int, ended: Callable[[], None]
) -> list[Made]:
    """What `work` makes of each item, in their order; all are done before the first failure is raised.

    `ended` is called where the task itself is ended meanwhile (its `timeout`, Ctrl-C).
    """
    if len(items) < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(min(at_once, len(items)))
    try:
        running = [pool.submit(work, item) for item in items]
        for one in running:
            one.exception()
    except BaseException:
        # What is not begun is not begun any more.
        ended()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return [one.result() for one in running]
