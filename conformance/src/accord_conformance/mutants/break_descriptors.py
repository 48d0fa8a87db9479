"""Mutants of waiting for file descriptors."""

from __future__ import annotations

import os
import selectors
import socket
import sys
from collections import defaultdict
from typing import Any

from accord import Lock, notify_closing, wait_readable
from accord.lowlevel import checkpoint, checkpoint_if_cancelled

from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere

descriptors: Any = sys.modules[wait_readable.__module__]


@mutant("FD-1")
def regular_files_are_registered(_: Broken) -> None:
    """What is ready already is not looked for, so that files can't be waited for."""

    def is_ready(fd: int, event: int) -> bool:
        return False

    replace(descriptors, _is_ready=is_ready)


@mutant("FD-1")
def everything_is_made_non_blocking(_: Broken) -> None:
    """A descriptor that is waited for blocks no more."""

    def is_ready(original: Any, fd: int, event: int) -> Any:
        os.set_blocking(fd, False)
        return original(fd, event)

    around(descriptors, "_is_ready", is_ready)


@mutant("FD-1")
def readiness_is_asked_for_again_and_again(_: Broken) -> None:
    """A task that waits asks in each turn of the loop."""

    async def poll(wait: Any, fd: int, event: int) -> None:
        while not descriptors._is_ready(fd, event):
            await checkpoint()
            if wait.closed:
                raise descriptors.ClosedResourceError("closed")

    replace(descriptors, _wait_for_event=poll)


@mutant("FD-1")
def directions_are_mixed_up(_: Broken) -> None:
    """wait_writable() returns when there is data, too."""

    async def wait(original: Any, waiting: Any, fd: int, event: int) -> None:
        await original(waiting, fd, selectors.EVENT_READ | selectors.EVENT_WRITE)

    around(descriptors, "_wait_for_event", wait)


@mutant("FD-1")
def only_sockets_can_be_waited_for(_: Broken) -> None:
    """A number is not enough."""

    def descriptor(original: Any, obj: Any) -> Any:
        if not isinstance(obj, int) and not isinstance(obj, socket.socket):
            raise TypeError("obj must be a socket")
        return original(obj)

    around(descriptors, "_descriptor", descriptor)


@mutant("FD-2")
def second_task_waits_in_line(_: Broken) -> None:
    """A second task waits until the first has been served."""
    locks: dict[Any, Lock] = defaultdict(Lock)

    async def wait(original: Any, obj: Any, event: int) -> None:
        fd = descriptors._descriptor(obj)
        async with locks[fd, event]:
            await original(obj, event)

    around(descriptors, "_wait", wait)


@mutant("FD-2")
def directions_share_a_place(_: Broken) -> None:
    """One task at a time can wait for a descriptor, in either direction."""
    busy: set[int] = set()

    async def wait(original: Any, obj: Any, event: int) -> None:
        fd = descriptors._descriptor(obj)
        if fd in busy:
            raise descriptors.BusyResourceError("waiting for")
        busy.add(fd)
        try:
            await original(obj, event)
        finally:
            busy.discard(fd)

    around(descriptors, "_wait", wait)


@mutant("FD-2")
def objects_are_counted_instead_of_descriptors(_: Broken) -> None:
    """A descriptor can be waited for once by its number and once by its object."""

    def descriptor(original: Any, obj: Any) -> Any:
        fd = original(obj)
        return fd if isinstance(obj, int) else Twin(fd)

    around(descriptors, "_descriptor", descriptor)


class Twin(int):
    """A number that is equal to itself only."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        """Compare by identity."""
        return self is other


@mutant("FD-3")
def failed_call_leaves_its_entry(_: Broken) -> None:
    """A descriptor for which a call failed stays busy."""
    failed: set[Any] = set()

    async def wait(original: Any, obj: Any, event: int) -> None:
        key = obj if isinstance(obj, int) else id(obj)
        if (key, event) in failed:
            raise descriptors.BusyResourceError("waiting for")
        try:
            await original(obj, event)
        except (ValueError, descriptors.ClosedResourceError):
            failed.add((key, event))
            raise

    around(descriptors, "_wait", wait)


@mutant("FD-3")
def closed_descriptors_are_errors_of_the_system(_: Broken) -> None:
    """What is closed is an OSError."""

    async def wait(original: Any, obj: Any, event: int) -> None:
        try:
            await original(obj, event)
        except descriptors.ClosedResourceError as error:
            if "waiting" in str(error):
                raise
            raise OSError(9, "Bad file descriptor") from error

    around(descriptors, "_wait", wait)


@mutant("FD-3")
def descriptors_are_checked_after_a_checkpoint(_: Broken) -> None:
    """In a cancelled scope what is no descriptor isn't noticed."""

    async def wait(original: Any, obj: Any, event: int) -> None:
        await checkpoint_if_cancelled()
        await original(obj, event)

    around(descriptors, "_wait", wait)


@mutant("FD-4")
def closing_wakes_readers_only(_: Broken) -> None:
    """notify_closing() wakes the task that waits for data."""
    replace(descriptors, _ACTIONS={selectors.EVENT_READ: "reading", selectors.EVENT_WRITE: "writing"})

    def notify(obj: Any) -> None:
        actions = descriptors._ACTIONS
        replace(descriptors, _ACTIONS={selectors.EVENT_READ: "reading"})
        try:
            notify_closing(obj)
        finally:
            replace(descriptors, _ACTIONS=actions)

    replace_everywhere(notify_closing, notify)


@mutant("FD-4")
def closing_wakes_nobody_who_waits(_: Broken) -> None:
    """notify_closing() forgets the tasks that wait."""

    def close(wait: Any) -> None:
        wait.closed = True

    replace(descriptors._Wait, close=close)


@mutant("FD-4")
def woken_task_removes_its_successor(_: Broken) -> None:
    """A task that is told of the closing forgets whoever waits for the number by then."""

    async def wait(original: Any, obj: Any, event: int) -> None:
        fd = descriptors._descriptor(obj)
        try:
            await original(obj, event)
        except descriptors.ClosedResourceError:
            descriptors._waits.get({}).pop((fd, event), None)
            raise

    around(descriptors, "_wait", wait)


@mutant("FD-4")
def notified_descriptors_are_done_for(_: Broken) -> None:
    """A number of which notify_closing() was told can't be waited for any more."""
    closed: set[int] = set()

    def notify(obj: Any) -> None:
        notify_closing(obj)
        closed.add(obj if isinstance(obj, int) else obj.fileno())

    async def wait(original: Any, obj: Any, event: int) -> None:
        if descriptors._descriptor(obj) in closed:
            raise descriptors.ClosedResourceError
        await original(obj, event)

    replace_everywhere(notify_closing, notify)
    around(descriptors, "_wait", wait)


@mutant("FD-5")
def descriptors_are_registered_themselves(_: Broken) -> None:
    """The loop watches the descriptor, in place of whoever let it do so before."""

    async def wait(waiting: Any, fd: int, event: int) -> None:
        def attempt() -> None:
            if not descriptors._is_ready(fd, event):
                raise BlockingIOError

        waiting.poller = poller = descriptors.create_poller(fd)
        try:
            await (poller.readable if event == selectors.EVENT_READ else poller.writable)(attempt)
        finally:
            poller.close()

    replace(descriptors, _wait_for_event=wait)


@mutant("FD-5")
def descriptors_are_duplicated(_: Broken) -> None:
    """The loop watches a duplicate, which keeps the connection open."""

    async def wait(waiting: Any, fd: int, event: int) -> None:
        copy = os.dup(fd)
        try:

            def attempt() -> None:
                if not descriptors._is_ready(copy, event):
                    raise BlockingIOError

            waiting.poller = poller = descriptors.create_poller(copy)
            try:
                await (poller.readable if event == selectors.EVENT_READ else poller.writable)(attempt)
            finally:
                poller.close()
        finally:
            os.close(copy)

    replace(descriptors, _wait_for_event=wait)


@mutant("FD-6")
def ready_is_no_checkpoint(_: Broken) -> None:
    """If the descriptor is ready the call returns at once."""

    async def wait(original: Any, obj: Any, event: int) -> None:
        if isinstance(obj, socket.socket) and obj.fileno() >= 0 and descriptors._is_ready(obj.fileno(), event):
            return
        await original(obj, event)

    around(descriptors, "_wait", wait)


@mutant("FD-6")
def cancelled_wait_leaves_its_entry(_: Broken) -> None:
    """After a cancellation the descriptor stays busy."""

    async def wait(original: Any, waiting: Any, fd: int, event: int) -> None:
        try:
            await original(waiting, fd, event)
        except descriptors.current_backend().cancelled_exc_class:
            descriptors._waits.get()[fd, event] = descriptors._Wait()
            raise

    around(descriptors, "_wait_for_event", wait)


@mutant("FD-6")
def selectors_are_left_open(_: Broken) -> None:
    """Each wait leaves a selector."""
    left: list[Any] = []

    class Lazy(selectors.DefaultSelector):
        def close(self) -> None:
            """Forget to."""
            left.append(self)

    class Selectors:
        DefaultSelector = Lazy
        EVENT_READ = selectors.EVENT_READ
        EVENT_WRITE = selectors.EVENT_WRITE

    replace(descriptors, selectors=Selectors)


@mutant("FD-5")
def closing_a_stream_tells_nobody(_: Broken) -> None:
    """A task that waits for the raw socket of a stream waits on when the stream is closed."""
    resources: Any = sys.modules["accord.net.resources"]
    replace(resources, _DESCRIPTORS="none")
