"""What leaves a task group: errors in one group, cancellations alone, and both together."""

from __future__ import annotations

from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.helpers import leaves, rule, settle


class CustomBaseException(BaseException):
    """Neither an Exception nor one of Python's own."""


async def _fail(error: BaseException) -> None:
    raise error


async def _fail_in_clean_up(error: BaseException) -> None:
    try:
        await accord.sleep_forever()
    finally:
        raise error


async def _group_of(body: BaseException | None, *tasks: BaseException, name: str | None = None) -> Any:
    """What leaves a group whose body and tasks raise the given exceptions."""
    try:
        async with accord.create_task_group(name=name) as group:
            # Shielded, so that every task gets to raise its own error.
            with accord.CancelScope(shield=True):
                handles = [group.start_soon(_fail, error, name=f"task {n}") for n, error in enumerate(tasks, 1)]
                for handle in handles:
                    await handle.wait()
            if body is not None:
                raise body
    except BaseException as error:
        return error
    raise AssertionError("the group raised nothing")


@rule("TASK-3")
async def test_single_error_comes_in_a_group() -> None:
    """One error of a task or of the body is raised in an exception group of one."""
    error = ValueError("one")
    for raised in (await _group_of(None, error), await _group_of(error)):
        assert type(raised) is ExceptionGroup
        assert raised.exceptions == (error,)


@rule("TASK-3")
async def test_all_errors_are_collected() -> None:
    """The errors of the body and of all tasks come together in one exception group."""

    async def fail_together(error: Exception) -> None:
        await event.wait()
        raise error

    event = accord.Event()
    errors = [ValueError("first"), KeyError("second"), OSError("third")]
    body = RuntimeError("body")
    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            for error in errors:
                group.start_soon(fail_together, error)
            await settle()
            event.set()
            raise body
    assert len(caught.value.exceptions) == 4
    assert set(map(id, caught.value.exceptions)) == set(map(id, [*errors, body]))


@rule("TASK-3")
async def test_nested_groups_nest() -> None:
    """The exception group of an inner task group is a member of the outer one's."""
    error = ValueError("inner")

    async def inner() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(_fail, error)

    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            group.start_soon(inner)
    (member,) = caught.value.exceptions
    assert type(member) is ExceptionGroup
    assert leaves(member) == [error]


@rule("TASK-3", "TASK-19")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, CustomBaseException])
async def test_base_exceptions_are_collected(kind: type[BaseException]) -> None:
    """An exception that is no Exception makes a BaseExceptionGroup, beside the errors of others."""
    error, other = kind(), ValueError("other")
    raised = await _group_of(None, error)
    assert type(raised) is BaseExceptionGroup
    assert raised.exceptions == (error,)
    raised = await _group_of(other, error)
    assert type(raised) is BaseExceptionGroup
    assert set(raised.exceptions) == {error, other}


@rule("TASK-4")
async def test_text_of_the_exception_group() -> None:
    """The exception group says how many errors it holds and of which task group."""
    one, two = ValueError(), KeyError()
    for name, where in ((None, "a task group"), ("crawler", "task group 'crawler'")):
        raised = await _group_of(one, name=name)
        assert type(raised) is ExceptionGroup
        assert raised.message == f"1 error in {where}"
        raised = await _group_of(one, two, name=name)
        assert type(raised) is ExceptionGroup
        assert raised.message == f"2 errors in {where}"


@rule("TASK-4")
async def test_each_leaf_says_which_task_raised_it() -> None:
    """An error has one note with the name of the innermost task that raised it; one of the body has none."""

    async def outer_task() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(_fail, ValueError(), name="inner task")

    raised = await _group_of(None, KeyError())
    assert [error.__notes__ for error in leaves(raised)] == [["in task 'task 1'"]]
    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            group.start_soon(outer_task, name="outer task")
    assert [error.__notes__ for error in leaves(caught.value)] == [["in task 'inner task'"]]
    raised = await _group_of(OSError())
    assert [getattr(error, "__notes__", []) for error in leaves(raised)] == [[]]


@rule("TASK-4")
async def test_exception_group_has_no_cause_and_no_context() -> None:
    """Neither the error of the body nor an inner group becomes the context of the exception group."""

    async def nested() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(_fail, ValueError())
            raise KeyError

    raised = [
        await _group_of(ValueError()),
        await _group_of(None, ValueError()),
        await _group_of(OSError(), KeyError()),
    ]
    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            group.start_soon(nested)
            await nested()
    raised += [caught.value, *caught.value.exceptions]
    for error in raised:
        assert isinstance(error, ExceptionGroup)
        assert error.__cause__ is None
        assert error.__context__ is None


@rule("TASK-5", "CANCEL-22")
@pytest.mark.parametrize("body", ["ended", "shielded", "cancelled"])
async def test_task_cut_short_by_an_outer_scope(body: str) -> None:
    """A cancellation of a task by an outer scope leaves the group, whatever the body did, and reaches that scope."""
    reached: list[str] = []
    with accord.CancelScope() as outer:
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep_forever)
            if body == "ended":
                accord.lowlevel.current_token().call_soon(outer.cancel)
            else:
                with accord.CancelScope(shield=body == "shielded"):
                    await settle()
                    outer.cancel()
                    await checkpoint()
        reached.append("after the group")
    assert reached == []
    assert outer.cancelled_caught


@rule("TASK-5", "TIME-12")
async def test_timeout_that_only_a_task_felt() -> None:
    """fail_after raises TimeoutError if its deadline cut a task short while the body was shielded."""
    with pytest.raises(TimeoutError):
        with accord.fail_after(0.02):
            async with accord.create_task_group() as group:
                handle = group.start_soon(accord.sleep_forever)
                with accord.CancelScope(shield=True):
                    await handle.wait()


@rule("TASK-5")
async def test_cancellations_alone_make_no_exception_group() -> None:
    """Several cancellations leave the group as one, and not in an exception group."""
    raised: list[BaseException] = []
    with accord.CancelScope() as outer:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(accord.sleep_forever)
                group.start_soon(accord.sleep_forever)
                await settle()
                outer.cancel()
                await checkpoint()
        except BaseException as error:
            raised.append(error)
            raise
    assert [type(error) for error in raised] == [accord.get_cancelled_exc_class()]
    assert outer.cancelled_caught


@rule("TASK-5")
async def test_own_scope_catches_cancellations_of_the_group() -> None:
    """A group that was cancelled itself ends without an exception, and the code after it runs."""
    async with accord.create_task_group() as group:
        handles = [group.start_soon(accord.sleep_forever) for _ in range(2)]
        await settle()
        group.cancel()
        await checkpoint()
    assert group.cancel_scope.cancelled_caught
    assert [handle.status for handle in handles] == [accord.HandleStatus.CANCELLED] * 2


@rule("TASK-5", "TASK-8", "CANCEL-12")
async def test_errors_beside_a_cancellation_from_outside() -> None:
    """Errors of clean-up leave with one cancellation beside them, which the responsible scope takes out."""
    raised: list[BaseException] = []
    error = ValueError("clean-up")
    with pytest.raises(ExceptionGroup) as caught, accord.CancelScope() as outer:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(_fail_in_clean_up, error)
                group.start_soon(accord.sleep_forever)
                group.start_soon(accord.sleep_forever)
                await settle()
                outer.cancel()
                await checkpoint()
        except BaseException as group_error:
            raised.append(group_error)
            raise
    assert len(raised) == 1
    kinds = sorted(leaf.__class__.__name__ for leaf in leaves(raised[0]))
    assert kinds == sorted(["ValueError", accord.get_cancelled_exc_class().__name__])
    assert leaves(caught.value) == [error]
    assert outer.cancelled_caught


@rule("TASK-8")
async def test_errors_of_clean_up_are_reported() -> None:
    """What tasks raise while they clean up after the group was cancelled is raised by the group."""
    errors = [ValueError("first"), KeyError("second")]
    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            for error in errors:
                group.start_soon(_fail_in_clean_up, error)
            await settle()
            group.cancel()
    assert set(leaves(caught.value)) == set(errors)


@rule("TASK-18")
async def test_exception_groups_of_the_user_stay_as_they_are() -> None:
    """An exception group raised in a task or the body is a member, with its text, structure and identity."""
    inner = ExceptionGroup("inner", [KeyError()])
    mine = ExceptionGroup("mine", [ValueError(), inner])
    for raised in (await _group_of(None, mine), await _group_of(mine)):
        assert type(raised) is ExceptionGroup
        assert raised.exceptions == (mine,)
        assert raised.exceptions[0] is mine
    assert mine.message == "mine"
    assert mine.exceptions[1] is inner
