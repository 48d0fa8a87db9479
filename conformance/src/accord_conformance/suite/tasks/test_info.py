"""What can be asked about tasks: identity, parents, pending cancellations, and the end of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint, current_backend, current_token
from accord.protocols import TaskHandle, TaskInfo
from accord_conformance.helpers import need_root_task, rule, settle


async def _me() -> TaskInfo:
    return accord.get_current_task()


async def _my_id() -> int:
    return accord.get_current_task().id


@rule("TASK-38")
async def test_one_object_for_each_task() -> None:
    """get_current_task() returns the same object in a task each time, and another one in another task."""
    me = accord.get_current_task()
    await checkpoint()
    assert accord.get_current_task() is me
    async with accord.create_task_group() as group:
        other = await group.start_soon(_me)
    assert other is not me
    assert other != me
    assert len({me, other}) == 2


@rule("TASK-38")
async def test_ids_are_never_used_again() -> None:
    """Tasks that run one after the other, and were freed, all have different ids."""
    ids = [accord.get_current_task().id]
    for _ in range(100):
        async with accord.create_task_group() as group:
            ids.append(await group.start_soon(_my_id))
    assert all(isinstance(number, int) for number in ids)
    assert len(set(ids)) == len(ids)


@rule("TASK-38")
def test_ids_differ_between_runs(run: Callable[..., Any]) -> None:
    """The tasks of different runs have different ids."""
    assert len({run(_my_id) for _ in range(10)}) == 10


@rule("TASK-39")
async def test_parent_is_the_host_of_the_group() -> None:
    """A task's parent is the host of its group, also if another task started it; the root task has none."""
    need_root_task()
    me = accord.get_current_task()
    assert me.parent_id is None

    async def start_sibling() -> TaskInfo:
        return await group.start_soon(_me)

    async def host() -> tuple[TaskInfo, TaskInfo]:
        async with accord.create_task_group() as inner:
            handle = inner.start_soon(_me)
        return accord.get_current_task(), handle.return_value

    async with accord.create_task_group() as group:
        assert (await group.start_soon(_me)).parent_id == me.id
        assert (await group.start_soon(start_sibling)).parent_id == me.id
        child, grandchild = await group.start_soon(host)
    assert child.parent_id == me.id
    assert grandchild.parent_id == child.id


@rule("TASK-40")
async def test_no_current_task_in_a_callback() -> None:
    """get_current_task() raises RuntimeError in a callback, and not the error for 'no loop'."""
    errors: list[BaseException] = []
    done = accord.Event()

    def callback() -> None:
        try:
            accord.get_current_task()
        except RuntimeError as error:
            errors.append(error)
        done.set()

    current_token().call_soon(callback)
    await done.wait()
    assert len(errors) == 1
    assert not isinstance(errors[0], accord.NoEventLoopError)


@rule("TASK-40")
def test_no_current_task_outside_a_loop(run: Callable[..., Any]) -> None:
    """Outside a loop get_current_task() and get_running_tasks() raise NoEventLoopError, also after a run."""
    run(_my_id)
    with pytest.raises(accord.NoEventLoopError):
        accord.get_current_task()
    with pytest.raises(accord.NoEventLoopError):
        accord.get_running_tasks()


@rule("TASK-41")
async def test_pending_cancellation_of_the_current_task() -> None:
    """has_pending_cancellation() follows the scopes of the task, shields included."""
    me = accord.get_current_task()
    assert not me.has_pending_cancellation()
    with accord.CancelScope() as outer:
        outer.cancel()
        assert me.has_pending_cancellation()
        with accord.CancelScope(shield=True) as shield:
            assert not me.has_pending_cancellation()
            shield.shield = False
            assert me.has_pending_cancellation()
    assert not me.has_pending_cancellation()


@rule("TASK-41")
async def test_pending_cancellation_of_other_tasks() -> None:
    """has_pending_cancellation() is right for tasks that wait, that clean up, and that have ended."""
    infos: list[TaskInfo] = []

    async def wait(shield: bool) -> None:
        infos.append(accord.get_current_task())
        with accord.CancelScope(shield=shield):
            await go.wait()
        await accord.sleep_forever()

    go = accord.Event()
    async with accord.create_task_group() as group:
        handle = group.start_soon(wait, False)
        await settle()
        group.start_soon(wait, True)
        await settle()
        plain, shielded = infos
        assert not plain.has_pending_cancellation()
        handle.cancel()
        assert plain.has_pending_cancellation()
        assert not shielded.has_pending_cancellation()
        await handle.wait()
        assert plain.finished
        assert not plain.has_pending_cancellation()
        group.cancel()
        assert not shielded.has_pending_cancellation()
        go.set()
    assert shielded.finished
    assert not shielded.has_pending_cancellation()


@rule("TASK-42")
async def test_running_tasks() -> None:
    """get_running_tasks() lists the root and the tasks that run, and none that has ended or is internal."""
    need_root_task()
    me = accord.get_current_task()
    assert list(accord.get_running_tasks()) == [me]
    infos: list[TaskInfo] = []

    async def wait() -> None:
        infos.append(accord.get_current_task())
        await accord.sleep_forever()

    async with accord.create_task_group() as group:
        group.start_soon(wait)
        [new] = set(accord.get_running_tasks()) - {me}
        assert new.parent_id == me.id
        ended = await group.start_soon(_me)
        await accord.to_thread.run_sync(lambda: None)
        await settle()
        assert set(accord.get_running_tasks()) == {me, *infos}
        assert infos[0] is new
        assert ended.finished
        group.cancel()
    assert list(accord.get_running_tasks()) == [me]


@rule("TASK-43")
async def test_watched_task() -> None:
    """The callback of watch_task is called once when the task has ended, in whatever way, and has its outcome."""
    calls: list[tuple[str, bool, str]] = []
    handles: dict[str, TaskHandle[None]] = {}

    async def work(outcome: str) -> None:
        me = accord.get_current_task()
        current_backend().watch_task(me, lambda: calls.append((outcome, me.finished, handles[outcome].status.value)))
        await checkpoint()
        if outcome == "failed":
            raise ValueError
        if outcome == "cancelled":
            await accord.sleep_forever()

    with pytest.raises(ExceptionGroup):
        async with accord.create_task_group() as group:
            for outcome in ("finished", "cancelled"):
                handles[outcome] = group.start_soon(work, outcome)
            await handles["finished"].wait()
            await settle()
            handles["cancelled"].cancel()
            await handles["cancelled"].wait()
            handles["failed"] = group.start_soon(work, "failed")
    await settle()
    assert calls == [(outcome, True, outcome) for outcome in ("finished", "cancelled", "failed")]


@rule("TASK-43")
async def test_unwatched_task() -> None:
    """After unwatch_task the callback isn't called; taking it back twice, or too late, does no harm."""
    calls: list[str] = []

    class Owner:
        def callback(self) -> None:
            calls.append("unwatched")

        def other(self) -> None:
            calls.append("watched")

    owner, backend, go = Owner(), current_backend(), accord.Event()
    others = set(accord.get_running_tasks())

    async def work() -> TaskInfo:
        await go.wait()
        return accord.get_current_task()

    async with accord.create_task_group() as group:
        handle = group.start_soon(work)
        await settle()
        (info,) = set(accord.get_running_tasks()) - others
        backend.watch_task(info, owner.callback)
        backend.watch_task(info, owner.other)
        # A bound method is made anew at each access: callbacks are compared by equality.
        backend.unwatch_task(info, owner.callback)
        backend.unwatch_task(info, owner.callback)
        go.set()
        assert await handle is info
    await settle()
    assert calls == ["watched"]
