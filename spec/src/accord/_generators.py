"""Asynchronous generators that are safe with cancel scopes and task groups.

A scope has to be left by the task that entered it, and in the order of entries. An asynchronous generator that yields
inside a scope breaks both: each of its steps runs in the task, and in the scopes, of whoever asks for an item, and
nobody knows when it ends. Here a generator runs in one task of its own, from its first step to its end; only items and
errors pass over to the consumer, which asks for each. The block of the context manager is the generator's life.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import wraps
from types import TracebackType
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

from ._backends import current_backend, here
from ._mixins import Receiving
from ._running import get_cancelled_exc_class
from ._tasks import create_task_group
from .exceptions import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from .protocols.parking import AnyParker
from .toolkit.coroutines import task_name

T = TypeVar("T")
P = ParamSpec("P")

_CLOSED: Any = object()  # what a waiting consumer is woken with when the stream is closed


class _Failure:
    """An error of the generator on its way to the consumer."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


class GeneratorStream(Receiving[T]):
    """The items of a generator that runs in a task of its own; an asynchronous iterator (area GEN)."""

    __slots__ = ("__weakref__", "_closed", "_consumer", "_cut", "_ended", "_kept", "_producer", "_wanted")

    def __init__(self) -> None:
        self._producer: AnyParker | None = None  # set while the generator waits for somebody to ask
        self._consumer: AnyParker | None = None  # set while somebody waits for an item
        self._wanted = False  # a step is asked for, or under way
        self._kept: list[Any] = []  # what a step gave when nobody waited any more
        self._ended = False
        self._cut = False  # the generator was cancelled
        self._closed = False

    async def receive(self) -> T:
        """Let the generator take one step and return what it yields; a checkpoint.

        What the generator raises is raised here, as it is. Raises ``EndOfStream`` after its end,
        ``BrokenResourceError`` if it was cancelled, ``ClosedResourceError`` if the stream is closed,
        ``BusyResourceError`` while another task is in ``receive``. If this is cancelled, the step is not: its item is
        received next.
        """
        if self._consumer is not None:
            raise BusyResourceError("receiving from")
        backend = here.backend or current_backend()
        if self._closed or self._kept or self._ended:
            if backend.checkpoint_due():
                await backend.checkpoint()
            if self._closed:
                self._raise_closed()
            if not self._kept:
                self._raise_ended()
            return self._opened(self._kept.pop(0))
        await backend.checkpoint_if_cancelled()
        self._consumer = parker = backend.create_parker()
        self._wanted = True
        if self._producer is not None:
            self._producer.unpark(True)
        try:
            return self._opened(await parker.park())
        finally:
            self._consumer = None
            del parker  # it holds an error whose traceback leads to this frame

    def _opened(self, answer: Any) -> T:
        if answer is _CLOSED:
            self._raise_closed()
        if answer is None:
            self._raise_ended()
        if isinstance(answer, _Failure):
            try:
                raise answer.error
            finally:
                del answer  # its traceback leads to this frame
        [item] = answer
        return cast(T, item)

    def _raise_closed(self) -> NoReturn:
        raise ClosedResourceError("this stream of a generator is closed")

    def _raise_ended(self) -> NoReturn:
        if self._cut:
            raise BrokenResourceError("the generator was cancelled, and yields no more")
        raise EndOfStream("the generator has ended")

    async def wait_until_wanted(self) -> bool:
        """Wait until an item is asked for; false if there is no more need. For the generator's task."""
        if self._closed or self._wanted:
            return not self._closed
        self._producer = parker = current_backend().create_parker()
        try:
            # Shielded: the task waits inside the scopes in which the generator yields. If one of them is cancelled, the
            # generator is to be told, in its next step, and not this code.
            return bool(await parker.park_shielded())
        finally:
            self._producer = None

    def pass_on(self, answer: Any) -> None:
        """Give what a step has led to: an item in a tuple, or a failure. For the generator's task."""
        self._wanted = False
        if (self._consumer is None or not self._consumer.unpark(answer)) and answer is not None:
            self._kept.append(answer)

    def end(self, cut: bool) -> None:
        """Note that there are no more items, because the generator was ``cut`` or otherwise. For its task."""
        self._ended = True
        self._cut = cut
        self.pass_on(None)

    def stop(self) -> bool:
        """Close the stream, and return whether the generator is in the middle of a step. For the context manager."""
        self._close()
        return self._wanted and self._producer is None and not self._ended

    def undelivered(self) -> BaseException | None:
        """Return an error of the generator that nobody has received."""
        errors = [answer.error for answer in self._kept if isinstance(answer, _Failure)]
        self._kept.clear()
        return errors[0] if errors else None

    def _close(self) -> None:
        self._closed = True
        if self._producer is not None:
            self._producer.unpark(False)
        if self._consumer is not None:
            self._consumer.unpark(_CLOSED)

    async def aclose(self) -> None:
        """Close the stream; the generator is closed by its task. Idempotent, no checkpoint."""
        self._close()

    def __repr__(self) -> str:
        return f"<GeneratorStream {'closed' if self._closed else 'ended' if self._ended else 'open'}>"


class _Life(AbstractAsyncContextManager[GeneratorStream[T]]):
    """The context manager in whose block a generator lives."""

    def __init__(self, generator: AsyncGenerator[T, Any], name: str) -> None:
        self._generator = generator
        self._name = name
        self._entered = False

    async def __aenter__(self) -> GeneratorStream[T]:
        if self._entered:
            raise RuntimeError(f"the generator {self._name} was entered before; call the function again")
        self._entered = True
        self._stream = GeneratorStream[T]()
        self._group = create_task_group(name=self._name)
        await self._group.__aenter__()
        self._group.start_soon(self._run, name=self._name)
        return self._stream

    async def _run(self) -> None:
        """Run the generator; ends normally in any case, since its errors belong to the consumer."""
        generator, stream = self._generator, self._stream
        cancelled = get_cancelled_exc_class()
        cut = False
        try:
            while await stream.wait_until_wanted():
                try:
                    item = await generator.__anext__()
                except StopAsyncIteration:
                    break
                stream.pass_on((item,))
        except cancelled:
            cut = True
        except BaseException as error:
            stream.pass_on(_Failure(error))
        try:
            await generator.aclose()
        except cancelled:
            cut = True
        except BaseException as error:
            stream.pass_on(_Failure(error))
        stream.end(cut)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        if self._stream.stop():
            self._group.cancel("the block of the generator was left")
        try:
            if isinstance(exc, get_cancelled_exc_class()):
                return await self._group.__aexit__(exc_type, exc, tb)
            # Errors of the body are no business of the group, which would wrap them.
            await self._group.__aexit__(None, None, None)
            return False
        finally:
            error = self._stream.undelivered()
            try:
                if error is not None:
                    raise error
            finally:
                del error  # its traceback leads to this frame


def as_stream(
    func: Callable[P, AsyncIterator[T]],
) -> Callable[P, AbstractAsyncContextManager[GeneratorStream[T]]]:
    """Make of an asynchronous generator function one that returns a context manager with a stream of its items.

    ``async with numbers(10) as stream: async for number in stream: ...``. The generator may yield inside cancel scopes
    and task groups. It runs in a task of its own, a step at a time and only when an item is asked for. What it raises
    is raised by ``receive``, or at the end of the block if nobody received it, and not in an exception group. At the
    end of the block it is closed, or cancelled if it is in the middle of a step, and waited for (area GEN).
    """

    @wraps(func)
    def make(*args: P.args, **kwargs: P.kwargs) -> AbstractAsyncContextManager[GeneratorStream[T]]:
        generator = func(*args, **kwargs)
        if not isinstance(generator, AsyncGenerator):
            raise TypeError(f"{task_name(func)} is no async generator function: it returned {type(generator).__name__}")
        return _Life(cast("AsyncGenerator[T, Any]", generator), task_name(func))

    return make
