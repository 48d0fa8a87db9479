"""Mutants of locks for readers and writers."""

from __future__ import annotations

from collections import deque
from typing import Any

from accord import BrokenResourceError, RWLock, WouldBlock
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace
from .waiting import (
    binds_to_a_loop,
    checks_again,
    needs_a_loop,
    never_yields,
    refuses_the_cancelled,
    takes_before_it_checks,
    trusts_unpark,
)

ACQUIRE = ("acquire_read", "acquire_write")
NOWAIT = ("acquire_read_nowait", "acquire_write_nowait")


@mutant("RWLOCK-1")
def rwlock_has_one_reader(_: Broken) -> None:
    """A reader excludes others, too."""

    def is_free(original: Any, self: Any, writes: bool) -> Any:
        return original(self, writes) and not self._readers

    around(RWLock, "_is_free", is_free)


@mutant("RWLOCK-1")
def rwlock_lets_writers_in(_: Broken) -> None:
    """A writer doesn't wait for readers."""

    def is_free(self: Any, _writes: bool) -> Any:
        return self._writer is None and not self._waiters

    replace(RWLock, _is_free=is_free)


@mutant("RWLOCK-1")
def rwlock_survives_errors_locked(_: Broken) -> None:
    """An exception in the block leaves the lock held."""

    def manager(original: Any, self: Any) -> Any:
        held = original(self)
        leave = held.__aexit__

        class Wrong:
            __aenter__ = staticmethod(held.__aenter__)

            @staticmethod
            async def __aexit__(kind: Any, error: Any, tb: Any) -> None:
                if error is None:
                    await leave(kind, error, tb)

        return Wrong()

    around(RWLock, "read", manager)


@mutant("RWLOCK-2")
def rwlock_prefers_readers(_: Broken) -> None:
    """Readers don't care whether a writer waits."""

    def is_free(original: Any, self: Any, writes: bool) -> Any:
        return original(self, writes) if writes else self._writer is None

    around(RWLock, "_is_free", is_free)


@mutant("RWLOCK-2")
def rwlock_prefers_writers(_: Broken) -> None:
    """Waiting writers go before waiting readers."""

    def serve(original: Any, self: Any) -> None:
        waiters = sorted(self._waiters, key=_reads)
        self._waiters.clear()
        self._waiters.extend(waiters)
        original(self)

    around(RWLock, "_serve", serve)


def _reads(waiter: Any) -> bool:
    return not waiter[2]


@mutant("RWLOCK-2")
def rwlock_serves_one_reader(_: Broken) -> None:
    """Of the readers at the head of the queue only the first is served."""

    def serve(original: Any, self: Any) -> None:
        behind = list(self._waiters)[1:]
        while len(self._waiters) > 1:
            self._waiters.pop()
        original(self)
        self._waiters.extend(behind)

    around(RWLock, "_serve", serve)


@mutant("RWLOCK-3")
def rwlock_upgrades(_: Broken) -> None:
    """The only reader can become the writer."""

    def check(original: Any, self: Any, task: Any, writes: bool) -> None:
        if writes and tuple(self._readers) == (task,):
            self._readers.clear()
        original(self, task, writes)

    around(RWLock, "_check", check)


@mutant("RWLOCK-3")
def rwlock_nowait_would_block_its_holder(_: Broken) -> None:
    """Without waiting the holder is told WouldBlock."""

    def acquire(original: Any, self: Any) -> None:
        try:
            original(self)
        except BrokenResourceError:
            raise
        except RuntimeError:
            raise WouldBlock from None

    for name in NOWAIT:
        around(RWLock, name, acquire)


@mutant("RWLOCK-4")
def rwlock_is_released_by_anybody(_: Broken) -> None:
    """Any task can end the writing."""

    def release(original: Any, self: Any) -> None:
        if self._writer is not None:
            self._writer = None
            self._serve()
        else:
            original(self)

    around(RWLock, "release_write", release)


@mutant("RWLOCK-4")
def rwlock_release_write_ends_reading(_: Broken) -> None:
    """A reader can call release_write()."""

    def release(original: Any, self: Any) -> None:
        try:
            original(self)
        except RuntimeError:
            self.release_read()

    around(RWLock, "release_write", release)


@mutant("RWLOCK-5")
def rwlock_serves_the_cancelled(broken: Broken) -> None:
    """The lock is given to a waiter that was cancelled."""
    trusts_unpark(broken, RWLock, "release_write")


@mutant("RWLOCK-5")
def rwlock_acquire_checks_again(_: Broken) -> None:
    """A waiter that has got the lock raises if it is cancelled before it resumes."""
    checks_again(RWLock, *ACQUIRE)


@mutant("RWLOCK-5")
def rwlock_is_taken_before_the_check(_: Broken) -> None:
    """acquire_read() in a cancelled scope takes the lock and raises."""
    takes_before_it_checks(RWLock, "acquire_read_nowait", "acquire_read")


@mutant("RWLOCK-5")
def rwlock_forgets_those_behind(_: Broken) -> None:
    """When a writer gives up nobody looks at the queue."""
    giving_up: list[bool] = []

    class Waiters(deque[Any]):
        def remove(self, item: Any) -> None:
            super().remove(item)
            giving_up.append(True)

    def init(original: Any, self: Any) -> None:
        original(self)
        self._waiters = Waiters()

    def serve(original: Any, self: Any) -> None:
        if giving_up:
            giving_up.clear()
        else:
            original(self)

    around(RWLock, "__init__", init)
    around(RWLock, "_serve", serve)


@mutant("RWLOCK-6")
def rwlock_nowait_refuses_the_cancelled(_: Broken) -> None:
    """The forms without waiting raise in a cancelled scope."""
    refuses_the_cancelled(RWLock, *NOWAIT)


@mutant("RWLOCK-6")
def rwlock_nowait_says_no(_: Broken) -> None:
    """The forms without waiting return False where they should raise WouldBlock."""

    def acquire(original: Any, self: Any) -> bool:
        try:
            original(self)
        except WouldBlock:
            return False
        return True

    for name in NOWAIT:
        around(RWLock, name, acquire)


@mutant("RWLOCK-7")
def rwlock_does_not_watch(_: Broken) -> None:
    """Nobody who waits learns that the holder has ended."""

    def watch(_self: Any) -> None:
        pass

    replace(RWLock, _watch=watch)


@mutant("RWLOCK-7")
def rwlock_waits_for_the_dead(_: Broken) -> None:
    """Who comes later waits for ever."""

    def dead(_self: Any, _writes: bool) -> None:
        return None

    replace(RWLock, _dead=dead)


@mutant("RWLOCK-7")
def rwlock_watches_for_ever(_: Broken) -> None:
    """The end of a task that has released the lock counts as that of its holder."""

    def released(self: Any, _task: Any) -> None:
        self._serve()

    def task_ended(self: Any, _task: Any) -> None:
        while self._waiters:
            self._waiters.popleft()[0].unpark(False)

    replace(RWLock, _released=released, _task_ended=task_ended)


@mutant("RWLOCK-7")
def rwlock_dead_readers_stop_readers(_: Broken) -> None:
    """When a reader ends, readers that wait get the error."""

    def task_ended(original: Any, self: Any, task: Any) -> None:
        for waiter in list(self._waiters):
            waiter[0].unpark(False)
        self._waiters.clear()
        original(self, task)

    around(RWLock, "_task_ended", task_ended)


@mutant("RWLOCK-8")
def rwlock_never_yields(_: Broken) -> None:
    """To acquire a free lock only looks for a cancellation."""
    for nowait, name in zip(NOWAIT, ACQUIRE, strict=True):
        never_yields(RWLock, nowait, name)


@mutant("RWLOCK-8")
def rwlock_counts_all_waiters_as_readers(_: Broken) -> None:
    """The statistics don't tell readers from writers."""

    def statistics(original: Any, self: Any) -> Any:
        return original(self)._replace(tasks_waiting_read=len(self._waiters), tasks_waiting_write=0)

    around(RWLock, "statistics", statistics)


@mutant("RWLOCK-8")
def rwlock_yields_at_exit(_: Broken) -> None:
    """The end of the block is a checkpoint."""

    def manager(original: Any, self: Any) -> Any:
        held = original(self)

        class Wrong:
            __aenter__ = staticmethod(held.__aenter__)

            @staticmethod
            async def __aexit__(*args: object) -> None:
                await held.__aexit__(*args)
                await checkpoint()

        return Wrong()

    around(RWLock, "write", manager)


@mutant("RWLOCK-9")
def rwlock_binds_to_its_first_loop(_: Broken) -> None:
    """A lock works only in the loop in which it was first used."""
    binds_to_a_loop(RWLock, *ACQUIRE)


@mutant("RWLOCK-9")
def rwlock_is_made_in_a_loop(_: Broken) -> None:
    """A lock can't be made outside a loop."""
    needs_a_loop(RWLock, "__init__")
