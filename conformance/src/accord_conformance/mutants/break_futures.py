"""Mutants of futures."""

from __future__ import annotations

from inspect import getattr_static
from typing import Any

from accord import (
    Future,
    FutureAlreadyFinished,
    FutureCancelled,
    FutureFailed,
    FutureNotFinished,
    FutureStatus,
    get_cancelled_exc_class,
)
from accord.lowlevel import checkpoint_if_cancelled

from .making import Broken, around, mutant, replace
from .waiting import (
    around_getter,
    around_setter,
    binds_to_a_loop,
    checks_again,
    needs_a_loop,
    needs_a_task,
    refuses_the_cancelled,
)

SETTERS = ("return_value", "exception")


def _around_await(wrapper: Any) -> None:
    """Replace ``await future``: ``wrapper`` is an asynchronous function of the original, as a function, and the future.

    It is called for ``__await__`` only, not for ``wait()``.
    """
    original = getattr_static(Future, "__await__")

    async def plain(future: Any) -> Any:
        return await _Awaited(original, future)

    def wait(future: Any) -> Any:
        return wrapper(plain, future).__await__()

    replace(Future, __await__=wait)


class _Awaited:
    def __init__(self, how: Any, future: Any) -> None:
        self._how = how
        self._future = future

    def __await__(self) -> Any:
        return self._how(self._future)


@mutant("FUTURE-1")
def future_value_none_is_no_outcome(_: Broken) -> None:
    """A future whose value is None still has no outcome."""

    def get(original: Any, future: Any) -> Any:
        value = original(future)
        if value is None:
            raise FutureNotFinished("the future has no outcome yet")
        return value

    around_getter(Future, "return_value", get)


@mutant("FUTURE-1")
def future_pending_value_is_none(_: Broken) -> None:
    """The value of a future without outcome is None."""

    def get(original: Any, future: Any) -> Any:
        return None if future.status is FutureStatus.PENDING else original(future)

    for name in SETTERS:
        around_getter(Future, name, get)


@mutant("FUTURE-1")
def future_is_set_by_tasks_only(_: Broken) -> None:
    """Setting an outcome asks for the current task."""
    needs_a_task(Future, *SETTERS)


@mutant("FUTURE-1")
def future_is_not_set_by_the_cancelled(_: Broken) -> None:
    """Setting an outcome raises in a cancelled scope."""
    refuses_the_cancelled(Future, *SETTERS)


@mutant("FUTURE-1")
def future_that_is_cancelled_has_failed(_: Broken) -> None:
    """cancel() sets an exception."""

    def cancel(future: Any) -> None:
        if future.status is FutureStatus.PENDING:
            future.exception = FutureCancelled("cancelled")

    replace(Future, cancel=cancel)


@mutant("FUTURE-2")
def future_keeps_the_first_outcome_silently(_: Broken) -> None:
    """A second outcome is ignored."""

    def set_outcome(original: Any, future: Any, value: Any) -> None:
        if future.status is FutureStatus.PENDING:
            original(future, value)

    for name in SETTERS:
        around_setter(Future, name, set_outcome)


@mutant("FUTURE-2")
def future_takes_the_last_outcome(_: Broken) -> None:
    """A second outcome replaces the first."""

    def set_outcome(original: Any, future: Any, value: Any) -> None:
        if future.status is not FutureStatus.PENDING:
            future.__init__()
        original(future, value)

    for name in SETTERS:
        around_setter(Future, name, set_outcome)


@mutant("FUTURE-2")
def future_that_is_cancelled_calls_itself_finished(_: Broken) -> None:
    """Setting the outcome of a cancelled future raises FutureAlreadyFinished."""

    def set_outcome(original: Any, future: Any, value: Any) -> None:
        try:
            original(future, value)
        except FutureCancelled:
            raise FutureAlreadyFinished("the future was cancelled") from None

    for name in SETTERS:
        around_setter(Future, name, set_outcome)


@mutant("FUTURE-2")
def future_changes_before_it_complains(_: Broken) -> None:
    """A second outcome is refused, and replaces the first."""

    def set_outcome(original: Any, future: Any, value: Any) -> None:
        try:
            original(future, value)
        except FutureAlreadyFinished:
            future.__init__()
            original(future, value)
            raise

    for name in SETTERS:
        around_setter(Future, name, set_outcome)


@mutant("FUTURE-2")
def future_cancel_replaces_the_outcome(_: Broken) -> None:
    """cancel() on a future that has an outcome throws that away."""

    def cancel(original: Any, future: Any) -> None:
        future.__init__()
        original(future)

    around(Future, "cancel", cancel)


@mutant("FUTURE-3")
def future_wait_raises_the_failure(_: Broken) -> None:
    """wait() raises what awaiting raises."""

    async def wait(original: Any, future: Any) -> None:
        await original(future)
        _ = future.return_value

    around(Future, "wait", wait)


@mutant("FUTURE-3")
def future_wait_returns_the_value(_: Broken) -> None:
    """wait() returns what awaiting returns."""

    async def wait(original: Any, future: Any) -> Any:
        await original(future)
        return future.return_value if future.status is FutureStatus.FINISHED else None

    around(Future, "wait", wait)


@mutant("FUTURE-3")
def future_raises_what_was_set(_: Broken) -> None:
    """Awaiting raises the exception itself."""

    async def get(original: Any, future: Any) -> Any:
        await future.wait()
        if future.status is FutureStatus.FAILED:
            raise future.exception
        return await original(future)

    _around_await(get)


@mutant("FUTURE-3")
def future_that_is_cancelled_cancels_its_waiters(_: Broken) -> None:
    """Awaiting a cancelled future raises a bare cancellation."""

    async def get(original: Any, future: Any) -> Any:
        try:
            return await original(future)
        except FutureCancelled:
            raise get_cancelled_exc_class()("the future was cancelled") from None

    _around_await(get)


@mutant("FUTURE-3")
def future_with_outcome_is_no_checkpoint(_: Broken) -> None:
    """Awaiting a future that has an outcome neither yields nor raises a cancellation."""

    async def get(original: Any, future: Any) -> Any:
        return await original(future) if future.status is FutureStatus.PENDING else future.return_value

    _around_await(get)


@mutant("FUTURE-3")
def future_with_outcome_never_yields(_: Broken) -> None:
    """Waiting for a future that has an outcome only looks for a cancellation."""

    async def wait(original: Any, future: Any) -> None:
        await checkpoint_if_cancelled()
        if future.status is FutureStatus.PENDING:
            await original(future)

    async def get(_: Any, future: Any) -> Any:
        await future.wait()
        return future.return_value

    around(Future, "wait", wait)
    _around_await(get)


@mutant("FUTURE-3")
def future_failure_has_no_cause(_: Broken) -> None:
    """Awaiting a failed future raises FutureFailed without the exception."""

    async def get(original: Any, future: Any) -> Any:
        try:
            return await original(future)
        except FutureCancelled:
            raise
        except FutureFailed as error:
            raise FutureFailed(str(error)) from None

    _around_await(get)


@mutant("FUTURE-4")
def future_is_cancelled_with_its_waiter(_: Broken) -> None:
    """A waiter that is cancelled cancels the future."""

    async def get(original: Any, future: Any) -> Any:
        try:
            return await original(future)
        except get_cancelled_exc_class():
            future.cancel()
            raise

    _around_await(get)


@mutant("FUTURE-4")
def future_wait_checks_again(_: Broken) -> None:
    """A waiter that was woken raises if it is cancelled before it resumes."""
    checks_again(Future, "wait")

    async def get(_: Any, future: Any) -> Any:
        await future.wait()
        return future.return_value

    _around_await(get)


@mutant("FUTURE-5")
def future_raises_one_exception_for_all(_: Broken) -> None:
    """All waiters get the same FutureFailed."""
    errors: dict[int, FutureFailed] = {}

    def get(original: Any, future: Any) -> Any:
        try:
            return original(future)
        except FutureFailed as error:
            if future.status is FutureStatus.FAILED:
                raise errors.setdefault(id(future), error) from error.__cause__
            raise

    around_getter(Future, "return_value", get)


@mutant("FUTURE-5")
def future_raises_one_cancellation_for_all(_: Broken) -> None:
    """All waiters of a cancelled future get the same FutureCancelled."""
    error = FutureCancelled("the future was cancelled")

    def get(original: Any, future: Any) -> Any:
        if future.status is FutureStatus.CANCELLED:
            raise error
        return original(future)

    for name in SETTERS:
        around_getter(Future, name, get)


@mutant("FUTURE-5")
def future_collects_tracebacks(_: Broken) -> None:
    """The exception that was set is raised and caught again at each access."""

    def get(original: Any, future: Any) -> Any:
        if future.status is not FutureStatus.FAILED:
            return original(future)
        try:
            raise future.exception
        except BaseException as error:
            raise FutureFailed("the future failed") from error

    around_getter(Future, "return_value", get)


@mutant("FUTURE-5")
def future_adds_notes(_: Broken) -> None:
    """The exception that was set gets a note about the future."""

    def set_exception(original: Any, future: Any, error: Any) -> None:
        original(future, error)
        error.add_note(f"set in {future!r}")

    around_setter(Future, "exception", set_exception)


@mutant("FUTURE-6")
def future_given_a_cancellation_is_cancelled(_: Broken) -> None:
    """A future that is given a cancellation exception is CANCELLED."""

    def set_exception(original: Any, future: Any, error: Any) -> None:
        if isinstance(error, get_cancelled_exc_class()):
            future.cancel()
        else:
            original(future, error)

    around_setter(Future, "exception", set_exception)


@mutant("FUTURE-6")
def future_given_a_cancellation_cancels_its_waiters(_: Broken) -> None:
    """Waiters get the cancellation exception that the future was given."""

    async def get(original: Any, future: Any) -> Any:
        await future.wait()
        if future.status is FutureStatus.FAILED and isinstance(future.exception, get_cancelled_exc_class()):
            raise future.exception
        return await original(future)

    _around_await(get)


@mutant("FUTURE-6")
def future_takes_exception_classes(_: Broken) -> None:
    """An exception class is called for an exception."""

    def set_exception(original: Any, future: Any, error: Any) -> None:
        original(future, error() if isinstance(error, type) else error)

    around_setter(Future, "exception", set_exception)


@mutant("FUTURE-7")
def future_is_made_in_a_loop(_: Broken) -> None:
    """A future can't be made outside a loop."""
    needs_a_loop(Future, "__init__")


@mutant("FUTURE-7")
def future_is_set_in_a_loop(_: Broken) -> None:
    """A future can't be given its value outside a loop."""
    needs_a_loop(Future, "return_value")


@mutant("FUTURE-7")
def future_binds_to_its_first_loop(_: Broken) -> None:
    """A future works only in the loop in which it was first awaited."""
    binds_to_a_loop(Future, "__await__", "wait")


@mutant("FUTURE-7")
def future_hides_its_name(_: Broken) -> None:
    """The repr() of a future is that of any object."""
    replace(Future, __repr__=object.__repr__)
