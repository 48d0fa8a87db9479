"""Mutants of pollers."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from typing import Any

from accord import BusyResourceError, ClosedResourceError

from .making import Broken, around, mutant

BOTH = ("readable", "writable")


def _poller(broken: Broken) -> Any:
    """Return the class of the pollers."""
    return broken.in_run(lambda: broken.base.readiness.create_poller(0).__class__)


def _around_both(broken: Broken, wrapper: Callable[..., Any]) -> None:
    def init(original: Any, poller: Any, fd: int) -> None:
        original(poller, fd)
        for name in BOTH:
            _wrap(poller, name, wrapper)

    around(_poller(broken), "__init__", init)


def _wrap(poller: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Replace an operation of one poller, which has its operations in fields."""
    operation = getattr(poller, name)

    def original(_: Any, attempt: Any) -> Any:
        return operation(attempt)

    def operate(attempt: Any) -> Any:
        return wrapper(original, poller, attempt)

    setattr(poller, name, operate)


@mutant("POLL-1")
def attempt_is_made_once_too_often(broken: Broken) -> None:
    """After an attempt has succeeded another one is made."""

    async def perform(original: Any, poller: Any, attempt: Any) -> Any:
        def twice() -> Any:
            result = attempt()
            try:
                attempt()
            except BlockingIOError:
                pass
            return result

        return await original(poller, twice)

    _around_both(broken, perform)


@mutant("POLL-1")
def false_results_are_none(broken: Broken) -> None:
    """A result that is false is not returned."""

    async def perform(original: Any, *args: Any) -> Any:
        return await original(*args) or None

    _around_both(broken, perform)


@mutant("POLL-2")
def poller_polls(broken: Broken) -> None:
    """Waiting is trying again and again."""

    async def perform(_original: Any, _poller: Any, attempt: Any) -> Any:
        while True:
            await broken.checkpoint()
            try:
                return attempt()
            except BlockingIOError:
                pass

    _around_both(broken, perform)


@mutant("POLL-2")
def false_alarm_is_an_error(broken: Broken) -> None:
    """An attempt that was woken for nothing raises BlockingIOError."""

    async def perform(original: Any, poller: Any, attempt: Any) -> Any:
        def once() -> Any:
            try:
                return attempt()
            except BlockingIOError as error:
                raise OSError(*error.args) from None

        return await original(poller, once)

    _around_both(broken, perform)


@mutant("POLL-3")
def attempt_comes_before_the_check(broken: Broken) -> None:
    """The attempt is made before the operation looks for a cancellation."""

    async def perform(original: Any, poller: Any, attempt: Any) -> Any:
        try:
            result = attempt()
        except BlockingIOError:
            return await original(poller, attempt)
        await broken.checkpoint()
        return result

    _around_both(broken, perform)


@mutant("POLL-3")
def result_is_lost_when_cancelled(broken: Broken) -> None:
    """A result that was there before the task was cancelled is thrown away."""

    async def perform(original: Any, *args: Any) -> Any:
        result = await original(*args)
        await broken.checkpoint_if_cancelled()
        return result

    _around_both(broken, perform)


@mutant("POLL-4")
def second_reader_may_succeed(broken: Broken) -> None:
    """A second call is refused only if it would have to wait."""

    async def perform(original: Any, poller: Any, attempt: Any) -> Any:
        try:
            return await original(poller, attempt)
        except BusyResourceError:
            try:
                return attempt()
            except BlockingIOError:
                pass
            raise

    _around_both(broken, perform)


@mutant("POLL-4")
def directions_exclude_each_other(broken: Broken) -> None:
    """A task that reads keeps others from writing."""
    busy: set[Any] = set()

    async def perform(original: Any, poller: Any, attempt: Any) -> Any:
        if poller in busy:
            raise BusyResourceError
        busy.add(poller)
        try:
            return await original(poller, attempt)
        finally:
            busy.discard(poller)

    _around_both(broken, perform)


@mutant("POLL-5")
def close_wakes_nobody(broken: Broken) -> None:
    """Tasks that wait when the poller is closed wait for ever."""

    def close(_original: Any, poller: Any) -> None:
        for direction in (poller._reading, poller._writing):
            direction.forget()
            direction._closed = True

    around(_poller(broken), "close", close)


@mutant("POLL-5")
def closed_poller_makes_one_attempt(broken: Broken) -> None:
    """A closed poller tries, and refuses only if it would have to wait."""

    async def perform(original: Any, poller: Any, attempt: Any) -> Any:
        try:
            return await original(poller, attempt)
        except ClosedResourceError:
            try:
                return attempt()
            except BlockingIOError:
                pass
            raise

    _around_both(broken, perform)


@mutant("POLL-5")
def close_closes_the_descriptor(broken: Broken) -> None:
    """close() of a poller closes the descriptor as well."""

    def close(original: Any, poller: Any) -> None:
        was_open = not poller._reading._closed
        original(poller)
        if was_open:
            os.close(poller._reading._fd)

    around(_poller(broken), "close", close)


@mutant("POLL-6")
def error_closes_the_poller(broken: Broken) -> None:
    """A poller whose attempt has failed can't be used any more."""

    async def perform(original: Any, poller: Any, attempt: Any) -> Any:
        try:
            return await original(poller, attempt)
        except ConnectionError:
            poller.close()
            raise

    _around_both(broken, perform)


@mutant("POLL-6")
def errors_of_attempts_are_wrapped(broken: Broken) -> None:
    """What an attempt raises is the cause of another error."""

    async def perform(original: Any, poller: Any, attempt: Any) -> Any:
        try:
            return await original(poller, attempt)
        except ConnectionError as error:
            raise ConnectionResetError("the operation failed") from error

    _around_both(broken, perform)


@mutant("POLL-7")
def pollers_are_kept_by_number(broken: Broken) -> None:
    """A descriptor whose number had a poller before gets the same one again."""

    class Readiness:
        def __init__(self) -> None:
            self.pollers: dict[Any, Any] = {}

        def create_poller(self, fd: int) -> Any:
            key = broken.base.current_token(), fd
            if key not in self.pollers:
                self.pollers[key] = broken.base.readiness.create_poller(fd)
            return self.pollers[key]

    broken.readiness = Readiness()


@mutant("POLL-7")
def closed_poller_keeps_watching(broken: Broken) -> None:
    """close() leaves the descriptor registered with the host."""

    def close(original: Any, poller: Any) -> None:
        poller._reading._registered = poller._writing._registered = False
        original(poller)

    around(_poller(broken), "close", close)


@mutant("POLL-8")
def watching_ends_with_an_error(broken: Broken) -> None:
    """A descriptor that had an error is not watched any more, although the attempt read data."""
    poller = _poller(broken)

    def init(original: Any, self: Any, fd: int) -> None:
        original(self, fd)
        reading = self._reading
        wait = select.poll()
        wait.register(fd, 0)

        def attempt_of(attempt: Any) -> Any:
            def tried() -> Any:
                value = attempt()
                if wait.poll(0):
                    reading._remove(fd)
                    reading._callback = lambda: True
                return value

            return tried

        def readable(attempt: Any) -> Any:
            return reading.perform(attempt_of(attempt))

        self.readable = readable

    around(poller, "__init__", init)
