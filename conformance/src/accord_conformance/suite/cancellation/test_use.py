"""Right and wrong use of scopes: order, owners, single use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.helpers import leaves, rule, settle


def leave(scope: accord.CancelScope) -> bool:
    """Leave a scope by hand."""
    return scope.__exit__(None, None, None)


MAKERS: list[Callable[[], accord.CancelScope]] = [
    accord.CancelScope,
    lambda: accord.CancelScope(shield=True),
    lambda: accord.move_on_after(1000),
    lambda: accord.move_on_at(accord.current_time() + 1000),
]


@rule("CANCEL-7")
@pytest.mark.parametrize("make", MAKERS)
async def test_second_entry_while_active(make: Callable[[], accord.CancelScope]) -> None:
    """A second entry of an active scope is refused, and the first goes on."""
    with make() as scope:
        with pytest.raises(RuntimeError):
            scope.__enter__()
        await checkpoint()
        scope.cancel()
        await accord.sleep_forever()
    assert scope.cancelled_caught


@rule("CANCEL-7")
@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize("make", MAKERS)
async def test_second_entry_after_exit(make: Callable[[], accord.CancelScope], cancelled: bool) -> None:
    """A scope that was left can't be entered again, and still says what became of it."""
    with make() as scope:
        if cancelled:
            scope.cancel()
            await accord.sleep_forever()
    with pytest.raises(RuntimeError):
        scope.__enter__()
    assert scope.cancelled_caught is cancelled
    await checkpoint()


@rule("CANCEL-7")
async def test_second_entry_in_another_task() -> None:
    """An active scope can't be entered in another task, which is not affected by the attempt."""
    events: list[str] = []

    async def child() -> None:
        with pytest.raises(RuntimeError):
            scope.__enter__()
        await checkpoint()
        events.append("goes on")

    async with accord.create_task_group() as group:
        with accord.CancelScope() as scope:
            group.start_soon(child)
            await settle()
            scope.cancel()
            await accord.sleep_forever()
    assert scope.cancelled_caught
    assert events == ["goes on"]


@rule("CANCEL-7")
async def test_exit_before_entry() -> None:
    """An exit before the entry is refused, and the scope can be used afterwards."""
    scope = accord.CancelScope()
    with pytest.raises(RuntimeError):
        leave(scope)
    with scope:
        scope.cancel()
        await accord.sleep_forever()
    assert scope.cancelled_caught


@rule("CANCEL-7")
async def test_exit_twice() -> None:
    """A second exit is refused and changes nothing."""
    with accord.CancelScope() as outer:
        scope = accord.CancelScope()
        scope.__enter__()
        leave(scope)
        with pytest.raises(RuntimeError):
            leave(scope)
        outer.cancel()
        await accord.sleep_forever()
    assert outer.cancelled_caught


@rule("CANCEL-8")
async def test_exit_in_another_task() -> None:
    """An exit in another task is refused; the owner's scope works and can be left."""
    events: list[str] = []

    async def child() -> None:
        with accord.CancelScope() as own:
            with pytest.raises(RuntimeError):
                leave(scope)
            own.cancel()
            await accord.sleep_forever()
        assert own.cancelled_caught
        events.append("child")

    async with accord.create_task_group() as group:
        with accord.CancelScope() as scope:
            group.start_soon(child)
            await settle()
            assert events == ["child"]
            scope.cancel()
            await accord.sleep_forever()
        assert scope.cancelled_caught
        await checkpoint()


@rule("CANCEL-8")
async def test_generator_finished_by_another_task() -> None:
    """A generator that holds a scope and is closed by another task gets the error; the first task is not harmed."""
    errors: list[BaseException] = []

    async def numbers() -> AsyncIterator[int]:
        scope = accord.CancelScope()
        scope.__enter__()
        yield 1
        try:
            leave(scope)
        except RuntimeError as error:
            errors.append(error)
        scopes.append(scope)

    scopes: list[accord.CancelScope] = []

    async def child() -> None:
        with pytest.raises(StopAsyncIteration):
            await generator.__anext__()

    generator: Any = numbers()
    assert await generator.__anext__() == 1
    async with accord.create_task_group() as group:
        group.start_soon(child)
    assert len(errors) == 1
    assert leave(scopes[0]) is False
    await checkpoint()


@rule("CANCEL-9")
async def test_wrong_order() -> None:
    """An exit of a scope that is not the innermost is refused, and everything can be left in the right order then."""
    with accord.CancelScope() as outer:
        middle = accord.CancelScope()
        inner = accord.CancelScope()
        middle.__enter__()
        inner.__enter__()
        with pytest.raises(RuntimeError, match=r"\w"):
            leave(middle)
        await checkpoint()
        inner.cancel()
        with pytest.raises(accord.get_cancelled_exc_class()) as caught:
            await checkpoint()
        error = caught.value
        assert inner.__exit__(type(error), error, error.__traceback__)
        await checkpoint()
        assert leave(middle) is False
        await checkpoint()
        outer.cancel()
        await accord.sleep_forever()
    assert outer.cancelled_caught
    assert inner.cancelled_caught
    assert not middle.cancelled_caught


@rule("CANCEL-9")
async def test_wrong_order_while_cancelled() -> None:
    """The attempt takes no cancellation away."""
    middle = accord.CancelScope()
    middle.__enter__()
    inner = accord.CancelScope()
    inner.__enter__()
    middle.cancel()
    with pytest.raises(RuntimeError):
        leave(middle)
    with pytest.raises(accord.get_cancelled_exc_class()) as caught:
        await checkpoint()
    error = caught.value
    assert not inner.__exit__(type(error), error, error.__traceback__)
    assert middle.__exit__(type(error), error, error.__traceback__)
    await checkpoint()


@rule("CANCEL-9")
async def test_wrong_order_of_group_and_scope() -> None:
    """A scope that was opened outside a group can't be left inside it."""
    scope = accord.CancelScope()
    scope.__enter__()
    async with accord.create_task_group() as group:
        group.start_soon(checkpoint)
        with pytest.raises(RuntimeError):
            leave(scope)
    assert leave(scope) is False


@rule("CANCEL-29")
async def test_scope_left_open() -> None:
    """A task that ends with an open scope fails with an error that names the task, and the others are not harmed."""

    async def forgets_to_leave() -> None:
        accord.CancelScope().__enter__()
        await checkpoint()

    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            group.start_soon(forgets_to_leave, name="the forgetful one")
    assert [type(error) for error in leaves(caught.value)] == [RuntimeError]
    assert "the forgetful one" in str(leaves(caught.value)[0])
    await checkpoint()


@rule("CANCEL-29")
async def test_error_of_a_task_with_an_open_scope() -> None:
    """An exception of such a task is not replaced."""

    async def forgets_to_leave() -> None:
        accord.CancelScope().__enter__()
        raise KeyError("mine")

    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            group.start_soon(forgets_to_leave)
    assert any(isinstance(error, KeyError) for error in leaves(caught.value))


@rule("CANCEL-29")
def test_scope_left_open_by_main(run: Callable[..., Any]) -> None:
    """The root task is no exception."""

    async def forgetful_main() -> None:
        accord.CancelScope().__enter__()
        await checkpoint()

    with pytest.raises(RuntimeError, match="forgetful_main"):
        run(forgetful_main)
    run(checkpoint)


@rule("CANCEL-19")
@pytest.mark.parametrize("bad", ["x", 0, 1, None, [], 1.0])
async def test_shield_is_a_bool(bad: Any) -> None:
    """A shield that is no bool is refused, and the scope is as before."""
    for make in (accord.move_on_after, accord.fail_after, accord.move_on_at, accord.fail_at):
        with pytest.raises(TypeError):
            make(1, shield=bad)
    with pytest.raises(TypeError):
        accord.CancelScope(shield=bad)
    for before in (False, True):
        scope = accord.CancelScope(shield=before)
        with pytest.raises(TypeError):
            scope.shield = bad
        assert scope.shield is before
        with scope:
            with pytest.raises(TypeError):
                scope.shield = bad
            assert scope.shield is before


@rule("CANCEL-7")
async def test_scope_in_the_own_group() -> None:
    """The scope of a group belongs to the group and can't be entered by hand."""
    async with accord.create_task_group() as group:
        with pytest.raises(RuntimeError):
            group.cancel_scope.__enter__()
        group.cancel()
        await accord.sleep_forever()
    assert group.cancel_scope.cancelled_caught
