"""Calls on their way through a portal: who waits for the answer, and the task that finds it.

A caller is a thread that waits on a lock, a future that anybody may cancel at any time, or a task of another loop. Each
is told what became of its call exactly once, on the portal's loop.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextvars import Context, copy_context
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Protocol

from ._backends import current_backend
from ._requests import Answer, here
from .exceptions import RunFinishedError
from .protocols import LoopToken, TaskGroup, TaskHandle
from .toolkit.coroutines import task_name
from .toolkit.errors import prune

if TYPE_CHECKING:
    from ._portals import BlockingPortal

CANCELLED = "the portal's task was cancelled"


class Receiver(Protocol):
    """Who is told what became of a call; on the loop, once."""

    def succeed(self, value: Any) -> None: ...
    def fail(self, error: BaseException) -> None: ...
    def cancelled(self) -> None: ...


class Waiting(Answer):
    """A thread that waits; one that holds the clock of the portal's own loop lets it go meanwhile."""

    __slots__ = ("clock",)

    def __init__(self, token: LoopToken | None) -> None:
        super().__init__()
        call = here.call
        self.clock = token if call is not None and call.token is token else None

    def reply(self) -> None:
        """Let the thread go on."""
        if self.clock is not None:
            self.clock.hold_clock()
        super().reply()

    def succeed(self, value: Any) -> None:
        self.value = value
        self.reply()

    def cancelled(self) -> None:
        self.fail(CancelledError(CANCELLED))


class Promise:
    """A future that somebody may look at, or cancel at any time."""

    __slots__ = ("_future",)

    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def succeed(self, value: Any) -> None:
        try:
            self._future.set_result(value)
        except InvalidStateError:
            self.cancelled()

    def fail(self, error: BaseException) -> None:
        try:
            self._future.set_exception(error)
        except InvalidStateError:
            self.cancelled()

    def cancelled(self) -> None:
        if self._future.cancel():
            try:
                self._future.set_running_or_notify_cancel()
            except (InvalidStateError, RuntimeError):
                return  # somebody else has done so


class PortalTaskStatus:
    """What the function of ``start_task`` gets."""

    __slots__ = ("_future",)

    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def started(self, value: Any = None, /) -> None:
        """Let ``start_task`` return."""
        try:
            self._future.set_result(value)
        except InvalidStateError:
            if not self._future.cancelled():
                raise RuntimeError("started() was called before, and can be called only once") from None


class Elsewhere(Answer):
    """A task of another loop that waits."""

    __slots__ = ("_parker", "_token")

    def __init__(self) -> None:
        super().__init__()
        backend = current_backend()
        self._token = backend.current_token()
        self._parker = backend.create_parker()
        self._token.hold_clock()

    def reply(self) -> None:
        """Wake the task, unless its run is over."""
        self.answered = True
        try:
            self._token.call_soon(self._wake)
        except RunFinishedError:
            pass

    def _wake(self) -> None:
        self._token.release_clock()
        self._parker.unpark(None)

    def succeed(self, value: Any) -> None:
        self.value = value
        self.reply()

    def cancelled(self) -> None:
        self.fail(CancelledError(CANCELLED))

    def give_up(self) -> None:
        """Expect no answer any more; on the waiting task's loop."""
        self._token.release_clock()

    async def wait_here(self) -> None:
        """Wait for the answer."""
        await self._parker.park()

    async def wait_on(self) -> None:
        """Wait for the answer after a cancellation, putting off any other."""
        parker = self._parker = current_backend().create_parker()
        if not self.answered:
            await parker.park_shielded()


class PortalCall:
    """One call on its way through the portal, and then the coroutine of its task."""

    __slots__ = ("_args", "_cancelled", "_func", "_handle", "_keywords", "clock", "context", "portal", "receiver")

    def __init__(
        self, portal: BlockingPortal, receiver: Receiver, func: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self.portal = portal
        self.receiver = receiver
        self.context: Context = copy_context()
        self.clock: LoopToken | None = None
        """Held by who waits, and to be let go."""
        self._func = func
        self._args = args
        self._keywords: dict[str, Any] = {}
        self._handle: TaskHandle[None] | None = None
        self._cancelled = False

    def with_status(self, status: PortalTaskStatus) -> None:
        """Give the function a ``task_status``."""
        self._keywords["task_status"] = status

    def begin(self, group: TaskGroup, name: object) -> None:
        """Start the task; on the loop."""
        if self._cancelled:
            self.receiver.cancelled()
            return
        self._handle = group.create_task(self._run(), name=task_name(self._func, name), context=self.context)

    def cancel(self) -> None:
        """Cancel the task; on the loop."""
        self._cancelled = True
        if self._handle is not None:
            self._handle.cancel("the caller of the portal has cancelled it")

    async def _run(self) -> None:
        cancelled = current_backend().cancelled_exc_class
        receiver = self.receiver
        try:
            value = self._func(*self._args, **self._keywords)
            if isawaitable(value):
                value = await value
        except cancelled:
            receiver.cancelled()
            raise
        except Exception as exc:
            prune(exc)
            receiver.fail(exc)
        except GeneratorExit:
            receiver.fail(RunFinishedError("the run ended before the function had"))
            raise
        except BaseException as exc:
            prune(exc)
            receiver.fail(exc)
            self.portal.end_with(exc)
        else:
            receiver.succeed(value)
