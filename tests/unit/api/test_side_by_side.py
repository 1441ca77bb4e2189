# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several at a time: never more than allowed, in the order asked, and nothing lost where one fails."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.api.side_by_side import side_by_side
from hypothesis import given, settings
from hypothesis import strategies as st

PATIENCE = 5.0


def nothing() -> None:
    """Nobody has to be told that the task was ended."""


def test_nothing_is_nothing():
    assert side_by_side(str, [], 0, nothing) == []


def test_a_single_one_needs_no_thread():
    assert side_by_side(lambda _item: threading.current_thread(), ["x"], 8, nothing) == [threading.current_thread()]


@settings(max_examples=30)
@given(st.lists(st.integers(), max_size=12), st.integers(1, 9))
def test_the_order_is_that_of_the_items(items, at_once):
    assert side_by_side(lambda item: item * 2, items, at_once, nothing) == [item * 2 for item in items]


def test_the_order_is_kept_where_the_last_is_done_first():
    done = [threading.Event() for _place in range(6)]
    done[5].set()

    def work(place: int) -> int:
        # Each waits for the one after it.
        assert done[min(place + 1, 5)].wait(PATIENCE)
        done[place].set()
        return place

    assert side_by_side(work, range(6), 6, nothing) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("at_once", [2, 3, 8])
def test_so_many_are_at_work_and_never_more(at_once):
    together = threading.Barrier(at_once)
    lock, running, most = threading.Lock(), 0, 0

    def work(_item: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # It opens only where so many have come.
        together.wait(PATIENCE)
        time.sleep(0.005)
        with lock:
            running -= 1

    side_by_side(work, range(at_once * 3), at_once, nothing)
    assert most == at_once


def test_all_are_done_before_a_failure_is_raised():
    finished: list[int] = []

    def work(place: int) -> None:
        if place in (1, 3):
            raise ValueError(place)
        time.sleep(0.005)
        finished.append(place)

    with pytest.raises(ValueError, match="1"):
        side_by_side(work, range(8), 3, nothing)
    assert sorted(finished) == [0, 2, 4, 5, 6, 7]


class _Ended(Exception):
    """What Ansible's `timeout` of a task raises, out of a signal."""


def test_where_the_task_is_ended_nothing_more_is_begun():
    begun: list[int] = []
    go_on, at_work = threading.Event(), threading.Barrier(3)

    def work(place: int) -> None:
        begun.append(place)
        at_work.wait(PATIENCE)
        go_on.wait(PATIENCE)

    def end(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        raise _Ended

    def ring() -> None:
        at_work.wait(PATIENCE)
        # A signal that comes in the moment before the wait is seen only after it: so it comes again.
        while not go_on.wait(0.05):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    told: list[bool] = []
    bell = threading.Thread(target=ring)
    before, threads = signal.signal(signal.SIGALRM, end), set(threading.enumerate())
    try:
        bell.start()
        with pytest.raises(_Ended):
            side_by_side(work, range(6), 2, lambda: told.append(True))
    finally:
        signal.signal(signal.SIGALRM, before)
        go_on.set()
    for thread in set(threading.enumerate()) - threads:
        thread.join(PATIENCE)
    assert sorted(begun) == [0, 1]
    assert told == [True]
