"""Which scope catches a cancellation, and what it leaves of an exception."""

from __future__ import annotations

import time
from typing import Any, NoReturn

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.helpers import leaves, rule, settle, untestable


class Case:
    """Three nested scopes, to be cancelled in some order, and what became of them."""

    def __init__(self) -> None:
        self.scopes = [accord.CancelScope() for _ in range(3)]
        self.reached: list[str] = []

    async def run(self, cancelled: list[int]) -> list[bool]:
        """Cancel some of the scopes in the innermost one and return which of them caught."""
        with self.scopes[0]:
            with self.scopes[1]:
                with self.scopes[2]:
                    for index in cancelled:
                        self.scopes[index].cancel()
                    await accord.sleep_forever()
                self.reached.append("after the inner")
                await checkpoint()
            self.reached.append("after the middle")
            await checkpoint()
        self.reached.append("after the outer")
        return [scope.cancelled_caught for scope in self.scopes]


@rule("CANCEL-10", "CANCEL-11")
@pytest.mark.parametrize(
    ("cancelled", "catches"), [([0], 0), ([1], 1), ([2], 2), ([2, 1], 1), ([1, 2], 1), ([0, 2], 0)]
)
async def test_outermost_catches(cancelled: list[int], catches: int) -> None:
    """The outermost scope that is cancelled catches, whatever the order of the cancellations."""
    case = Case()
    caught = await case.run(cancelled)
    assert caught == [index == catches for index in range(3)]
    assert case.reached == ["after the inner", "after the middle", "after the outer"][2 - catches :]


@rule("CANCEL-10")
@pytest.mark.parametrize("outer_first", [False, True])
async def test_shielded_scope_catches_its_own(outer_first: bool) -> None:
    """A shielded scope that is cancelled catches, though an outer one is cancelled as well."""
    with accord.CancelScope() as outer:
        with accord.CancelScope(shield=True) as shielded:
            for scope in (outer, shielded) if outer_first else (shielded, outer):
                scope.cancel()
            await accord.sleep_forever()
        assert shielded.cancelled_caught
        await checkpoint()
        pytest.fail("the outer cancellation is lost")
    assert outer.cancelled_caught


@rule("CANCEL-10")
async def test_outer_is_cancelled_during_unwinding() -> None:
    """If the outer scope is cancelled while the inner one unwinds, the outer catches."""
    reached: list[str] = []
    with accord.CancelScope() as outer:
        with accord.CancelScope() as inner:
            inner.cancel()
            try:
                await accord.sleep_forever()
            finally:
                outer.cancel()
        reached.append("between")
    assert reached == []
    assert outer.cancelled_caught
    assert not inner.cancelled_caught


@rule("CANCEL-10")
async def test_shield_raised_during_unwinding() -> None:
    """If the inner scope is shielded and cancelled while the outer cancellation unwinds, the inner catches."""
    reached: list[str] = []
    with accord.CancelScope() as outer:
        with accord.CancelScope() as inner:
            outer.cancel()
            try:
                await accord.sleep_forever()
            finally:
                inner.shield = True
                inner.cancel()
        reached.append("between")
        await checkpoint()
        reached.append("not cancelled")
    assert reached == ["between"]
    assert inner.cancelled_caught
    assert outer.cancelled_caught


@rule("CANCEL-13")
async def test_foreign_cancellation() -> None:
    """A scope that was not cancelled lets the cancellation of another one through."""
    with accord.CancelScope() as outer, accord.CancelScope() as inner:
        outer.cancel()
        await accord.sleep_forever()
    assert outer.cancelled_caught
    assert not inner.cancel_called
    assert not inner.cancelled_caught


@rule("CANCEL-13")
async def test_kept_cancellation() -> None:
    """A cancellation that was kept and is raised again where nothing is cancelled is not caught."""
    expected = accord.get_cancelled_exc_class()
    kept: list[BaseException] = []
    with accord.CancelScope() as first:
        first.cancel()
        try:
            await checkpoint()
        except expected as error:
            kept.append(error)
    with pytest.raises(expected):
        with accord.CancelScope() as second:
            raise kept.pop()
    assert not second.cancelled_caught
    with pytest.raises(expected):
        with accord.CancelScope(deadline=accord.current_time() + 1000) as second:
            with accord.CancelScope() as third:
                third.cancel()
                try:
                    await checkpoint()
                except expected as error:
                    kept.append(error)
            raise kept.pop()
    assert not second.cancelled_caught


def raise_cancellation() -> NoReturn:
    """Raise a cancellation by hand."""
    make = accord.get_cancelled_exc_class()
    try:
        error = make()
    except TypeError:
        error = None
    if error is None:
        untestable("the cancellation class can't be instantiated by a program")
    raise error


@rule("CANCEL-27")
async def test_raised_by_hand() -> None:
    """A cancellation that the program raises in a cancelled scope counts as the scope's own."""
    with accord.CancelScope() as scope:
        scope.cancel()
        raise_cancellation()
    assert scope.cancelled_caught
    with accord.CancelScope() as scope:
        scope.cancel()
        try:
            await checkpoint()
        except BaseException:
            raise_cancellation()
    assert scope.cancelled_caught
    await checkpoint()


@rule("CANCEL-13")
async def test_raised_by_hand_elsewhere() -> None:
    """A cancellation that the program raises where nothing is cancelled passes through."""
    with pytest.raises(accord.get_cancelled_exc_class()):
        with accord.CancelScope() as scope:
            raise_cancellation()
    assert not scope.cancelled_caught


@rule("CANCEL-14")
async def test_ordinary_exception() -> None:
    """An ordinary exception in a cancelled scope passes through."""
    scope = accord.CancelScope()
    with pytest.raises(KeyError):
        with scope:
            scope.cancel()
            raise KeyError
    assert not scope.cancelled_caught
    with pytest.raises(KeyError) as caught:
        with accord.CancelScope() as scope:
            scope.cancel()
            try:
                await checkpoint()
            finally:
                raise KeyError
    assert not scope.cancelled_caught
    assert isinstance(caught.value.__context__, accord.get_cancelled_exc_class())
    await checkpoint()


async def take_cancellation() -> BaseException:
    """A cancellation of the scope in which this is called, which is cancelled."""
    try:
        await checkpoint()
    except accord.get_cancelled_exc_class() as error:
        return error
    raise AssertionError("the scope is not cancelled")


def annotated(error: BaseException, note: str) -> BaseException:
    """Give an exception everything that can be lost: a cause, a context, a note and a traceback."""
    error.__cause__ = KeyError("cause of " + note)
    error.__context__ = KeyError("context of " + note)
    error.add_note(note)
    try:
        raise error
    except BaseException as raised:
        return raised


@rule("CANCEL-12")
async def test_group_is_split() -> None:
    """Cancellations are taken out of an exception group at any depth, and the rest is as it was."""
    value = annotated(ValueError("value"), "leaf")
    inner: Any = None
    whole: Any = None
    with pytest.raises(BaseExceptionGroup) as caught:
        with accord.CancelScope() as scope:
            scope.cancel()
            inner = BaseExceptionGroup("inner", [await take_cancellation(), value])
            annotated(inner, "inner group")
            whole = BaseExceptionGroup("outer", [inner, await take_cancellation(), KeyError("key")])
            annotated(whole, "outer group")
            raise whole
    assert scope.cancelled_caught
    rest = caught.value
    assert rest.message == "outer"
    assert [type(error) for error in rest.exceptions] == [BaseExceptionGroup, KeyError] or [
        type(error) for error in rest.exceptions
    ] == [ExceptionGroup, KeyError]
    nested: Any = rest.exceptions[0]
    assert nested.message == "inner"
    assert nested.exceptions == (value,)
    for error, original, note in ((rest, whole, "outer group"), (nested, inner, "inner group"), (value, value, "leaf")):
        assert error.__notes__ == [note]
        assert repr(error.__cause__) == repr(KeyError("cause of " + note))
        assert error.__cause__ is original.__cause__
        assert error.__context__ is original.__context__
        assert error.__traceback__ is not None
    await checkpoint()


@rule("CANCEL-12")
async def test_rest_of_ordinary_errors_is_an_exception_group() -> None:
    """If only ordinary errors are left the group is an ExceptionGroup."""
    with pytest.raises(ExceptionGroup, match="mixed") as caught:
        with accord.CancelScope() as scope:
            scope.cancel()
            raise BaseExceptionGroup("mixed", [await take_cancellation(), ValueError()])
    assert [type(error) for error in leaves(caught.value)] == [ValueError]
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@rule("CANCEL-12", "CANCEL-11")
async def test_group_of_cancellations() -> None:
    """A group of nothing but cancellations is caught as a whole."""
    with accord.CancelScope() as scope:
        scope.cancel()
        nested = BaseExceptionGroup("nested", [await take_cancellation(), await take_cancellation()])
        raise BaseExceptionGroup("all", [nested, await take_cancellation()])
    assert scope.cancelled_caught


@rule("CANCEL-12", "CANCEL-13")
async def test_group_in_a_scope_that_is_not_cancelled() -> None:
    """A scope that was not cancelled lets a group with cancellations through as it is."""
    error: Any = None
    with accord.CancelScope() as outer:
        outer.cancel()
        error = BaseExceptionGroup("mixed", [await take_cancellation(), ValueError()])
    with pytest.raises(BaseExceptionGroup) as caught:
        with accord.CancelScope():
            raise error
    assert caught.value is error


@rule("CANCEL-12", "CANCEL-14")
async def test_group_without_cancellations() -> None:
    """A group without cancellations passes through a cancelled scope as it is."""
    error = ExceptionGroup("mine", [ValueError()])
    with pytest.raises(ExceptionGroup) as caught:
        with accord.CancelScope() as scope:
            scope.cancel()
            raise error
    assert caught.value is error
    assert not scope.cancelled_caught


@rule("CANCEL-12", "CANCEL-10")
async def test_group_with_outer_cancellation() -> None:
    """If the outer scope is cancelled the group passes the inner one whole, and the outer one splits it."""
    with pytest.raises(ExceptionGroup) as caught:
        with accord.CancelScope() as outer:
            with accord.CancelScope() as inner:
                inner.cancel()
                outer.cancel()
                raise BaseExceptionGroup("mixed", [await take_cancellation(), ValueError()])
    assert [type(error) for error in leaves(caught.value)] == [ValueError]
    assert outer.cancelled_caught
    assert not inner.cancelled_caught


@rule("CANCEL-22")
async def test_work_in_a_child_is_reported() -> None:
    """A deadline that cuts short only a child, the body being shielded, is reported."""
    events: list[str] = []

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append("cut short")

    with pytest.raises(TimeoutError):
        with accord.fail_after(0.01) as scope:
            async with accord.create_task_group() as group:
                group.start_soon(child)
                with accord.CancelScope(shield=True):
                    await accord.sleep(0.05)
            events.append("after the group")
    assert events == ["cut short"]
    assert scope.cancelled_caught


@rule("CANCEL-22")
@pytest.mark.parametrize("depth", [1, 2, 4])
async def test_work_far_below_is_reported(depth: int) -> None:
    """The same if the body had finished, through several groups, and for an explicit cancel."""
    events: list[int] = []

    async def child(level: int) -> None:
        if level == depth:
            await accord.sleep_forever()
        async with accord.create_task_group() as group:
            group.start_soon(child, level + 1)
        events.append(level)

    async def cancel() -> None:
        await settle()
        scope.cancel()

    async with accord.create_task_group() as outer_group:
        outer_group.start_soon(cancel)
        with accord.CancelScope() as scope:
            async with accord.create_task_group() as group:
                group.start_soon(child, 1)
            events.append(0)
    assert events == []
    assert scope.cancelled_caught


@rule("CANCEL-22")
async def test_work_in_a_thread_is_no_reason_to_forget() -> None:
    """The same if the body waits in an operation that puts off cancellation."""
    with accord.move_on_after(0.01) as scope:
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep_forever)
            await accord.to_thread.run_sync(time.sleep, 0.05)
    assert scope.cancelled_caught


@rule("CANCEL-22", "CANCEL-11")
async def test_nothing_was_cut_short() -> None:
    """If all work finished although the scope was cancelled, nothing is reported."""

    async def child() -> None:
        with accord.CancelScope(shield=True):
            await accord.sleep(0.01)

    with accord.CancelScope() as scope:
        async with accord.create_task_group() as group:
            group.start_soon(child)
            scope.cancel()
        events = ["after the group"]
    assert events == ["after the group"]
    assert not scope.cancelled_caught


@rule("CANCEL-22")
async def test_work_cut_short_by_its_own_scope() -> None:
    """Work that a scope further in cut short, and caught, is none of the outer scope's."""

    async def child() -> None:
        with accord.move_on_after(0.005):
            await accord.sleep_forever()

    with accord.CancelScope() as scope:
        async with accord.create_task_group() as group:
            handle = group.start_soon(accord.sleep_forever)
            group.start_soon(child)
            await settle()
            handle.cancel()
        await checkpoint()
    assert not scope.cancel_called
    assert not scope.cancelled_caught


@rule("CANCEL-22", "CANCEL-12")
async def test_errors_beside_work_cut_short() -> None:
    """If clean-up of one task fails and another task was cut short, the error is raised and the scope reports too."""

    async def fail() -> None:
        try:
            await accord.sleep_forever()
        finally:
            raise ValueError

    scope = accord.CancelScope()
    with pytest.raises(ExceptionGroup) as caught:
        with scope:
            async with accord.create_task_group() as group:
                group.start_soon(fail)
                group.start_soon(accord.sleep_forever)
                await settle()
                scope.cancel()
    assert [type(error) for error in leaves(caught.value)] == [ValueError]
    assert scope.cancelled_caught
