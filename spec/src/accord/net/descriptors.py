"""Waiting for readiness of any file descriptor (area FD).

The descriptor may be somebody else's: that of a stream which waits for it at the same time, or of a library with a
callback in the loop. Most loops keep one registration per descriptor, and a second would take the place of the first.
So each wait puts the descriptor into a selector of its own, which is a descriptor too, and becomes readable when what
is in it is ready; it is this one that the loop watches. The selector doesn't keep the descriptor open, as a duplicate
would.

Who waits for what is noted per run, so that a second task is refused and ``notify_closing`` finds whom to wake. An
entry lives no longer than the call that made it: the system gives the numbers of closed descriptors out again at once.
"""

from __future__ import annotations

import select
import selectors
from typing import Any, Protocol, TypeAlias

from .._backends import current_backend
from ..exceptions import BusyResourceError, ClosedResourceError
from ..lowlevel import RunVar
from ..protocols import Poller
from .resources import create_poller


class HasFileno(Protocol):
    """A file, socket or the like."""

    def fileno(self) -> int:
        """Return the file descriptor."""
        ...


FileDescriptorLike: TypeAlias = int | HasFileno
"""A file descriptor, or something that has one."""


class _Wait:
    """A task that waits for one event of one descriptor."""

    __slots__ = ("closed", "poller")

    def __init__(self) -> None:
        self.closed = False
        self.poller: Poller | None = None

    def close(self) -> None:
        self.closed = True
        if self.poller is not None:
            self.poller.close()


_Key: TypeAlias = tuple[int, int]
_waits: RunVar[dict[_Key, _Wait]] = RunVar("accord.net.descriptors")

_ACTIONS = {selectors.EVENT_READ: "waiting to read from", selectors.EVENT_WRITE: "waiting to write to"}


async def wait_readable(obj: FileDescriptorLike, /) -> None:
    """Wait until a descriptor can be read without blocking, or has ended or failed; a checkpoint (FD-1 to FD-5).

    :param obj: a file descriptor, or an object with ``fileno()``; also the ``raw_socket`` of a stream of this library.

    Raises ``BusyResourceError`` if another task waits for the same, ``ClosedResourceError`` if the descriptor is closed
    or ``notify_closing`` is called meanwhile, ``ValueError`` or ``TypeError`` for what is no descriptor.
    """
    await _wait(obj, selectors.EVENT_READ)


async def wait_writable(obj: FileDescriptorLike, /) -> None:
    """Wait until a descriptor can be written without blocking, or has failed; a checkpoint (FD-1 to FD-5).

    The same as ``wait_readable`` otherwise; independent of it.
    """
    await _wait(obj, selectors.EVENT_WRITE)


def notify_closing(obj: FileDescriptorLike, /) -> None:
    """Wake the tasks that wait for a descriptor with ``ClosedResourceError`` (FD-4); no checkpoint.

    :param obj: what was passed to ``wait_readable`` or ``wait_writable``.

    To be called before the descriptor is closed; it doesn't close it. Of a descriptor that is closed without it the
    system tells nothing, and a task that waits for it goes on waiting until it is cancelled.
    """
    try:
        fd = _descriptor(obj)
    except ClosedResourceError:
        return  # too late to find out who waited
    waits = _waits.get(None) or {}
    for event in _ACTIONS:
        wait = waits.pop((fd, event), None)
        if wait is not None:
            wait.close()


def _descriptor(obj: FileDescriptorLike) -> int:
    if isinstance(obj, int) and not isinstance(obj, bool):
        if obj < 0:
            raise ValueError(f"a file descriptor must not be negative, got {obj}")
        return obj
    fileno: Any = getattr(obj, "fileno", None)
    if not callable(fileno):
        raise TypeError(f"obj must be a file descriptor or have fileno(), and {type(obj).__name__} has not")
    try:
        fd: Any = fileno()
    except ValueError:
        fd = -1  # a closed file says so
    if not isinstance(fd, int):
        raise TypeError(f"fileno() must return an int, not {type(fd).__name__}")
    if fd < 0:
        raise ClosedResourceError(f"this {type(obj).__name__} is closed")
    return fd


async def _wait(obj: FileDescriptorLike, event: int) -> None:
    fd = _descriptor(obj)
    waits = _waits.get(None)
    if waits is None:
        waits = dict[_Key, _Wait]()
        _waits.set(waits)
    key = fd, event
    if key in waits:
        raise BusyResourceError(_ACTIONS[event])
    wait = waits[key] = _Wait()
    try:
        backend = current_backend()
        if backend.checkpoint_due():
            await backend.checkpoint()
        if wait.closed:
            raise ClosedResourceError("this descriptor was closed while a task was waiting for it")
        if not _is_ready(fd, event):
            await _wait_for_event(wait, fd, event)
    finally:
        if waits.get(key) is wait:
            del waits[key]


def _is_ready(fd: int, event: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN if event == selectors.EVENT_READ else select.POLLOUT)
    for _, found in poll.poll(0):
        if found & select.POLLNVAL:
            raise ClosedResourceError(f"file descriptor {fd} is closed")
        return True
    return False


async def _wait_for_event(wait: _Wait, fd: int, event: int) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(fd, event)

        def attempt() -> None:
            if not selector.select(0):
                raise BlockingIOError

        watched: Any = selector
        wait.poller = poller = create_poller(watched.fileno())
        try:
            await poller.readable(attempt)
        finally:
            poller.close()
