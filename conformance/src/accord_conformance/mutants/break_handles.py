"""Mutants of task handles."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from accord import HandleStatus, TaskCancelled, TaskFailed, get_current_task, sleep_forever
from accord.toolkit import HandleMixin

from .making import Broken, around, mutant, replace
from .waiting import around_getter


@mutant("TASK-30")
def status_is_decided_by_the_request(_: Broken) -> None:
    """Whoever was asked to cancel counts as cancelled."""

    def settle(original: Any, handle: Any, status: HandleStatus) -> None:
        original(handle, HandleStatus.CANCELLED if handle._status is HandleStatus.CANCELLING else status)

    around(HandleMixin, "_settle", settle)


@mutant("TASK-30")
def request_does_not_show(broken: Broken) -> None:
    """The status stays PENDING after cancel()."""

    def cancel(original: Any, handle: Any, *args: Any) -> None:
        status = handle._status
        original(handle, *args)
        handle._status = status

    around(broken.task, "cancel", cancel)


@mutant("TASK-30")
def cancelled_group_shows_in_each_task(broken: Broken) -> None:
    """The tasks of a cancelled group are CANCELLING."""

    def status(get: Any, handle: Any) -> HandleStatus:
        truth: HandleStatus = get(handle)
        return HandleStatus.CANCELLING if truth is HandleStatus.PENDING and handle._effective else truth

    around_getter(HandleMixin, "status", status)


@mutant("TASK-31")
def cancelling_counts_as_cancelled(_: Broken) -> None:
    """The outcome of a task that is being cancelled raises TaskCancelled."""

    def exception(get: Any, handle: Any) -> Any:
        if handle.status is HandleStatus.CANCELLING:
            raise TaskCancelled(f"task {handle.name!r} was cancelled")
        return get(handle)

    around_getter(HandleMixin, "exception", exception)


@mutant("TASK-31")
def value_of_a_failed_task_raises_its_error(_: Broken) -> None:
    """return_value raises the exception of the task itself."""

    def return_value(get: Any, handle: Any) -> Any:
        if isinstance(handle.exception, BaseException):
            raise handle.exception
        return get(handle)

    around_getter(HandleMixin, "return_value", return_value)


@mutant("TASK-31")
def one_error_for_each_access(_: Broken) -> None:
    """return_value raises the same TaskFailed each time."""
    errors: dict[Any, TaskFailed] = {}

    def return_value(get: Any, handle: Any) -> Any:
        try:
            return get(handle)
        except TaskFailed as error:
            raise errors.setdefault(handle, error) from errors[handle].__cause__

    around_getter(HandleMixin, "return_value", return_value)


@mutant("TASK-31")
def cancelled_task_has_no_exception(_: Broken) -> None:
    """The exception of a cancelled task is None."""

    def exception(get: Any, handle: Any) -> Any:
        return None if handle.status is HandleStatus.CANCELLED else get(handle)

    around_getter(HandleMixin, "exception", exception)


@mutant("TASK-32")
def handle_cancels_the_group(broken: Broken) -> None:
    """cancel() cancels the siblings as well."""

    def cancel(original: Any, handle: Any, *args: Any) -> None:
        if not handle.finished:
            original(handle, *args)
            handle.group.cancel()

    around(broken.task, "cancel", cancel)


@mutant("TASK-32")
def cancelled_task_with_groups_has_failed(broken: Broken) -> None:
    """A task whose cancellation passed through task groups of its own is FAILED."""
    hosts: set[Any] = set()

    async def enter(original: Any, group: Any) -> Any:
        hosts.add(get_current_task())
        return await original(group)

    def end(original: Any, handle: Any, status: HandleStatus) -> None:
        failed = status is HandleStatus.CANCELLED and handle in hosts
        original(handle, HandleStatus.FAILED if failed else status)

    around(broken.group, "__aenter__", enter)
    around(broken.task, "end", end)


@mutant("TASK-32")
def ended_tasks_can_be_cancelled(broken: Broken) -> None:
    """cancel() after the end changes the status."""

    def cancel(original: Any, handle: Any, *args: Any) -> None:
        original(handle, *args)
        handle._status = HandleStatus.CANCELLED if handle.finished else HandleStatus.CANCELLING

    around(broken.task, "cancel", cancel)


@mutant("TASK-33")
def cancelled_waiter_cancels_the_task(broken: Broken) -> None:
    """Waiting for a task passes the cancellation of the waiter on."""

    async def wait(original: Any, handle: Any) -> None:
        try:
            await original(handle)
        except broken.cancelled_exc_class:
            handle.cancel()
            raise

    around(broken.task, "wait", wait)


@mutant("TASK-33")
def wait_raises(broken: Broken) -> None:
    """wait() raises for a task that failed."""

    async def wait(original: Any, handle: Any) -> None:
        await original(handle)
        if handle.status is HandleStatus.FAILED:
            _ = handle.return_value

    around(broken.task, "wait", wait)


@mutant("TASK-33")
def only_one_waiter_is_woken(_: Broken) -> None:
    """The end of a task is told to the one that waited first."""

    def settle(original: Any, handle: Any, status: HandleStatus) -> None:
        handle._waiters = handle._waiters and handle._waiters[:1]
        original(handle, status)

    around(HandleMixin, "_settle", settle)


@mutant("TASK-34")
def waiting_for_oneself_blocks(broken: Broken) -> None:
    """A task that waits for itself waits for ever."""

    async def wait(original: Any, handle: Any) -> None:
        if get_current_task() is handle:
            await sleep_forever()
        await original(handle)

    around(broken.task, "wait", wait)


@mutant("TASK-34")
def waiting_for_oneself_is_refused_only_when_awaited(broken: Broken) -> None:
    """wait() by the task itself returns; ``await`` then finds that it has not finished."""

    async def wait(original: Any, handle: Any) -> None:
        if get_current_task() is not handle:
            await original(handle)

    around(broken.task, "wait", wait)


@mutant("TASK-35")
def awaited_failures_do_not_count(broken: Broken) -> None:
    """A failure that a waiter has seen is not raised by the group."""

    async def wait_value(original: Any, handle: Any) -> Any:
        try:
            return await original(handle)
        except TaskFailed:
            group = handle.group
            group._errors = [error for error in group._errors or () if error is not handle._error] or None
            raise

    around(broken.task, "_wait_value", wait_value)


@mutant("TASK-36")
def handles_keep_their_frames(broken: Broken) -> None:
    """The handle of a finished task keeps the coroutine's frame."""
    frames: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def spawn(original: Any, *args: Any) -> Any:
        handle = original(*args)
        frames[handle] = getattr(handle.coro, "cr_frame", None)
        return handle

    around(broken.group, "_spawn", spawn)


@mutant("TASK-36")
def finished_tasks_refer_to_themselves(broken: Broken) -> None:
    """A record of a task that has ended is a reference cycle."""

    def settle(original: Any, handle: Any, status: HandleStatus) -> None:
        original(handle, status)
        handle.scope = handle

    around(broken.task, "_settle", settle)


@mutant("TASK-36")
def failed_tasks_refer_to_themselves(broken: Broken) -> None:
    """The error of a task leads to a frame that has the error."""

    def task_raised(original: Any, group: Any, record: Any, exc: BaseException) -> Any:
        try:
            raise exc
        except BaseException as error:
            kept = error
        return original(group, record, kept)

    around(broken.group, "_task_raised", task_raised)


@mutant("TASK-37")
def new_groups_have_no_repr(broken: Broken) -> None:
    """The repr of a group looks at its host, which it has only after its entry."""

    def show(group: Any) -> str:
        return f"<TaskGroup of {group._scope._host}>"

    replace(broken.group, __repr__=show)


@mutant("TASK-37")
def new_scopes_have_no_repr(broken: Broken) -> None:
    """The repr of a scope looks at its parent, which it has only after its entry."""

    def show(scope: Any) -> str:
        return f"<CancelScope {'without' if scope._parent is None else 'with'} parent>"

    replace(broken.scope, __repr__=show)


@mutant("TASK-37")
def handles_do_not_show_their_status(broken: Broken) -> None:
    """The repr of a handle shows its name only."""

    def show(handle: Any) -> str:
        return f"<TaskHandle {handle.name!r}>"

    replace(broken.task, __repr__=show)
