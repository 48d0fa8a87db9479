"""What type checkers infer for tasks, groups, scopes and streams; checked, never run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_type

import accord
from accord.protocols import CancelReason, CancelScope, TaskGroup, TaskHandle, TaskInfo


async def number(text: str, base: int = 10) -> int:
    return int(text, base)


async def nothing() -> None:
    pass


async def begins(port: int, *, task_status: accord.TaskStatus[str]) -> None:
    task_status.started("ready")


async def groups() -> None:
    async with accord.create_task_group() as group:
        assert_type(group, TaskGroup)
        assert_type(group.start_soon(number, "1"), TaskHandle[int])
        assert_type(group.start_soon(nothing), TaskHandle[None])
        assert_type(group.create_task(number("1")), TaskHandle[int])
        assert_type(await group.start(begins, 80), Any)
        assert_type(await group.start_soon(number, "1"), int)
        handle = group.start_soon(number, "1", name="task")
        assert_type(handle.return_value, int)
        assert_type(handle.exception, BaseException | None)
        assert_type(group.cancel_scope, CancelScope)
        group.start_soon(number, 1)  # type: ignore[arg-type]
        group.start_soon(number)  # type: ignore[arg-type]
        group.start_soon(len, "1")  # type: ignore[arg-type]


def running() -> None:
    assert_type(accord.run(number, "1"), int)
    assert_type(accord.run(nothing, backend="asyncio", backend_options={"debug": True}), None)
    accord.run(number, 1)  # type: ignore[arg-type]


async def scopes() -> None:
    with accord.move_on_after(1) as scope:
        assert_type(scope, accord.CancelScope)
        takes_protocol(scope)
    with accord.fail_after(1, reason="slow") as scope:
        assert_type(scope.deadline, float)
    with accord.CancelScope(deadline=5, shield=True) as scope:
        scope.deadline = 3
        scope.shield = False
        assert_type(scope.cancel_called, bool)
        assert_type(scope.cancel_reason, CancelReason | None)
        scope.cancel("enough")
    assert_type(accord.current_effective_deadline(), float)


def takes_protocol(scope: CancelScope) -> None:
    scope.shield = "yes"  # type: ignore[assignment]


async def introspection() -> None:
    assert_type(accord.get_current_task(), TaskInfo)
    assert_type(accord.get_running_tasks(), Sequence[TaskInfo])
    assert_type(accord.get_cancelled_exc_class(), type[BaseException])
    assert_type(accord.get_current_task().parent_id, int | None)


async def gathering() -> None:
    assert_type(await accord.gather(number("1"), nothing()), tuple[int, None])
    assert_type(await accord.gather(number("1")), tuple[int])
    assert_type(await accord.gather(*[number("1")]), tuple[int, ...])
    assert_type(await accord.amap(number, ["1", "2"], limit=2), list[int])
    async with accord.as_completed(number("1"), number("2")) as handles:
        async for handle in handles:
            assert_type(handle, TaskHandle[int])
    assert_type(await accord.to_thread.run_sync(int, "1"), int)
