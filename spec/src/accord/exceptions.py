"""Every exception class that the library itself raises, under one root (rule ERR-1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

__all__ = [
    "AccordError",
    "BackendNotFound",
    "BrokenBarrierError",
    "BrokenResourceError",
    "BrokenWorkerInterpreter",
    "BrokenWorkerProcess",
    "BusyResourceError",
    "ClosedResourceError",
    "ConnectionAttempt",
    "ConnectionFailed",
    "DelimiterNotFound",
    "EndOfStream",
    "FutureAlreadyFinished",
    "FutureCancelled",
    "FutureFailed",
    "FutureNotFinished",
    "HttpBodyTooLarge",
    "HttpError",
    "HttpProtocolError",
    "HttpRedirectError",
    "HttpStatusError",
    "IncompleteRead",
    "NoEventLoopError",
    "RunFinishedError",
    "TaskCancelled",
    "TaskFailed",
    "TaskNotFinished",
    "TypedAttributeLookupError",
    "WouldBlock",
]


class AccordError(Exception):
    """The root of the library's own exceptions; each has a text that is not empty."""

    default = "the operation failed"
    """What the exception says when it is raised without arguments."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(args or (self.default,)))


class BackendNotFound(AccordError, LookupError):
    """No backend is installed, or none of the given name."""

    default = "no such backend is installed"


class NoEventLoopError(AccordError, RuntimeError):
    """The call needs a running loop, and none runs in this thread."""

    default = "no event loop is running in this thread"


class RunFinishedError(AccordError, RuntimeError):
    """The loop that was to be called has ended."""

    default = "the run that this token belongs to has ended"


class WouldBlock(AccordError):
    """A ``*_nowait`` call could not be done without waiting."""

    default = "the operation would have to wait"


class ClosedResourceError(AccordError):
    """The resource was closed on this side."""

    default = "this resource is closed"


class BrokenResourceError(AccordError):
    """The resource can't be used any more, through no close on this side."""

    default = "this resource is broken"


class BrokenBarrierError(BrokenResourceError):
    """The barrier was aborted, or it was reset while the task waited for it."""

    default = "the barrier is broken"


class BusyResourceError(AccordError):
    """Another task is doing the same with the resource."""

    default = "another task is using this resource"

    def __init__(self, action: str = "using") -> None:
        super().__init__(f"another task is already {action} this resource")


class BrokenWorkerProcess(AccordError):
    """The process that was to make a call ended before it had answered."""

    default = "the worker process ended before it had answered"


class BrokenWorkerInterpreter(AccordError):
    """The interpreter that was to make a call failed, for another reason than an exception of the function."""

    def __init__(
        self, message: str = "the worker interpreter failed before it had answered", excinfo: object = None
    ) -> None:
        super().__init__(message)
        self.excinfo = excinfo
        """What Python says about it: an object with ``type``, ``msg`` and ``formatted``; None if it says nothing."""


class EndOfStream(AccordError):
    """The other side ended the stream in an orderly way."""

    default = "the stream has ended"


class IncompleteRead(AccordError):
    """The stream ended, or broke its framing, before all that was asked for had arrived."""

    def __init__(self, message: str = "the stream ended too early", partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial
        """What had arrived."""


class DelimiterNotFound(AccordError):
    """The delimiter is not within the number of bytes that the caller allowed."""

    default = "the delimiter was not found within the limit"


class ConnectionAttempt(NamedTuple):
    """One address that was tried in vain."""

    address: tuple[str, int] | str
    """Host and port in numbers, or a path."""
    error: OSError
    """What the operating system said."""
    seconds: float
    """How long the attempt took."""


class ConnectionFailed(AccordError, OSError):
    """A connection could not be made; ``errno`` and ``strerror`` are set as for any ``OSError``."""

    def __init__(
        self,
        errno: int | None,
        message: str,
        host: str,
        port: int | None,
        attempts: Sequence[ConnectionAttempt] = (),
    ) -> None:
        OSError.__init__(self, errno, message)
        self.host = host
        """The host, or the path of a UNIX socket, as the caller gave it."""
        self.port = port
        """The port as the caller gave it; None for a UNIX socket."""
        self.attempts = tuple(attempts)
        """What was tried, in the order in which it failed."""

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        """Let it pass from one process to another, although its arguments are not those of an ``OSError``."""
        return type(self), (self.errno, self.strerror, self.host, self.port, self.attempts)

    def __str__(self) -> str:
        """Return the message alone."""
        return str(self.strerror)


class TaskNotFinished(AccordError):
    """The task has not ended, so that it has no outcome yet."""

    default = "the task has not ended yet"


class TaskFailed(AccordError):
    """The task raised; its exception is this one's ``__cause__``."""

    default = "the task failed"


class TaskCancelled(TaskFailed):
    """The task was cancelled."""

    default = "the task was cancelled"


class FutureNotFinished(AccordError):
    """The future has no outcome yet."""

    default = "the future has no outcome yet"


class FutureAlreadyFinished(AccordError):
    """The future has an outcome already, and gets only one."""

    default = "the future has an outcome already"


class FutureFailed(AccordError):
    """The future was given an exception, which is this one's ``__cause__``."""

    default = "the future failed"


class FutureCancelled(FutureFailed):
    """The future was cancelled."""

    default = "the future was cancelled"


class TypedAttributeLookupError(AccordError, LookupError):
    """The object has no such typed attribute."""

    default = "no such attribute"


class HttpError(AccordError):
    """What ``open_url`` and its responses raise about HTTP itself."""

    default = "the HTTP request failed"


class HttpProtocolError(HttpError):
    """The server's answer is not HTTP, or its head is too large."""

    default = "the server broke the HTTP protocol"


class HttpRedirectError(HttpError):
    """The server redirects where the request must not follow, or too often."""

    default = "the server's redirection can't be followed"


class HttpBodyTooLarge(HttpError):
    """The body has more bytes than the caller allowed."""

    default = "the body is too large"


class HttpStatusError(HttpError):
    """The server answered with an error; raised by ``raise_for_status`` only."""

    def __init__(self, status: int = 500, reason: str = "", url: str = "the request") -> None:
        super().__init__(status, reason, url)
        self.status = status
        """The status, 400 or more."""
        self.reason = reason
        """The server's text for it; may be empty."""
        self.url = url
        """Where the answer came from."""

    def __str__(self) -> str:
        """Say all of it in one line."""
        return f"{self.status} {self.reason}".rstrip() + f" for {self.url}"
