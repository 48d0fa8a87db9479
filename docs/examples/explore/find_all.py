"""Explores ten small programs with a bug each, and the same ten without it, and prints what was found.

    python docs/examples/explore/find_all.py [--backend NAME] [--schedules N] [--seed N] [--show PROGRAM]

An ordinary run of the programs finds none of the bugs.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import NamedTuple

import check_then_act
import double_init
import double_release
import leaked_subscriber
import lock_order
import lost_item
import lost_wakeup
import missed_close
import stale_read
import unshielded_cleanup

from accord.testing import ScheduleError, explore


class Program(NamedTuple):
    """A program with a bug, its twin without, and whether it takes a cancellation to find it."""

    name: str
    test: Callable[[], Awaitable[None]]
    fixed: Callable[[], Awaitable[None]]
    cancels: bool


PROGRAMS = (
    Program("lost_wakeup", lost_wakeup.test_mailbox, lost_wakeup.test_safe_mailbox, cancels=False),
    Program("lost_item", lost_item.test_jobs, lost_item.test_safe_jobs, cancels=True),
    Program("lock_order", lock_order.test_transfers, lock_order.test_safe_transfers, cancels=False),
    Program("unshielded_cleanup", unshielded_cleanup.test_pool, unshielded_cleanup.test_safe_pool, cancels=True),
    Program("check_then_act", check_then_act.test_box_office, check_then_act.test_safe_box_office, cancels=False),
    Program("double_release", double_release.test_kitchen, double_release.test_safe_kitchen, cancels=True),
    Program("stale_read", stale_read.test_buffers, stale_read.test_safe_buffers, cancels=False),
    Program("leaked_subscriber", leaked_subscriber.test_ticker, leaked_subscriber.test_safe_ticker, cancels=True),
    Program("double_init", double_init.test_client, double_init.test_safe_client, cancels=False),
    Program("missed_close", missed_close.test_channel, missed_close.test_safe_channel, cancels=False),
)


def main() -> None:
    """Explore all programs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend")
    parser.add_argument("--schedules", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", metavar="PROGRAM", help="print the report of one program")
    options = parser.parse_args()
    for program in PROGRAMS:
        begun = perf_counter()
        found = "nothing"
        settings = {"backend": options.backend, "schedules": options.schedules, "seed": options.seed}
        try:
            explore(program.test, inject_cancellation=program.cancels, **settings)
        except ScheduleError as error:
            found = str(error).partition(":")[0]
            if program.name == options.show:
                print(error)
        taken = perf_counter() - begun
        explore(program.fixed, inject_cancellation=program.cancels, **settings)
        print(f"{program.name:<20} {taken:6.3f} s  {found}; nothing in its twin")


if __name__ == "__main__":
    main()
