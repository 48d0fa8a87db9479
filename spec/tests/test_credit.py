"""Operations on credit: when a backend's credit is used, and by whom (``accord.toolkit.credit``)."""

from __future__ import annotations

import threading
from typing import Any

import accord
from accord._backends import NO_CREDIT, here
from accord.toolkit import Credit, lending


class FakeBackend:
    """The two members that the tests lend in place of."""

    def checkpoint_due(self) -> bool:
        """Say no."""
        return False

    def current_time(self) -> float:
        """Say when the backend is asked."""
        return 1.0


def run_here(backend: Any, **instead_of: object) -> list[float]:
    """Return what ``current_time()`` says before, in and after a block that lends a clock that stands at 2."""
    credit = Credit()
    credit.time = lambda: 2.0
    here.backend = backend
    try:
        times = [accord.current_time()]
        with lending(credit, **instead_of):
            times.append(accord.current_time())
            assert credit.backend is (backend if here.credit is credit else None)
        times.append(accord.current_time())
    finally:
        here.backend = None
    assert here.credit is NO_CREDIT
    assert credit.backend is None
    return times


def test_lent_in_the_block() -> None:
    """The credit counts in the block, for a backend that has the members that it replaces."""
    backend = FakeBackend()
    assert run_here(backend, checkpoint_due=backend.checkpoint_due, current_time=backend.current_time) == [1, 2, 1]


def test_not_lent_to_a_wrapper() -> None:
    """A backend that has replaced one of the members goes on being asked."""
    base, wrapper = FakeBackend(), FakeBackend()
    assert run_here(wrapper, checkpoint_due=wrapper.checkpoint_due, current_time=base.current_time) == [1, 1, 1]


def test_not_lent_without_a_backend() -> None:
    """A loop that nobody noted as this thread's has no use for a credit."""
    credit = Credit()
    with lending(credit, checkpoint_due=FakeBackend().checkpoint_due):
        assert here.credit is NO_CREDIT
        assert credit.backend is None


def test_each_thread_has_its_own() -> None:
    """What is lent in one thread is not seen in another."""
    seen: list[Credit] = []
    backend: Any = FakeBackend()
    here.backend = backend
    try:
        with lending(Credit(), checkpoint_due=backend.checkpoint_due):
            thread = threading.Thread(target=lambda: seen.append(here.credit))
            thread.start()
            thread.join()
    finally:
        here.backend = None
    assert seen == [NO_CREDIT]


def test_nothing_is_left_after_a_run() -> None:
    """When a run has ended, with or without an error, its credit is of no use any more."""

    async def main() -> Credit:
        event = accord.Event()
        event.set()
        await event.wait()
        return here.credit

    credit = accord.run(main, backend="asyncio")
    assert credit is not NO_CREDIT
    assert credit.backend is None
    assert here.credit is NO_CREDIT
    assert accord.run(main, backend="trio") is NO_CREDIT
    assert NO_CREDIT.left == 0
