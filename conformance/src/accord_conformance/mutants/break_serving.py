"""Mutants of TCP servers: how they end, handlers that fail, and a system that has no more descriptors."""

from __future__ import annotations

import errno
import socket
import sys
import traceback
from typing import Any

import accord.net.listeners
from accord import ClosedResourceError, SocketListener, SocketStream, create_task_group
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace

listeners: Any = sys.modules[accord.net.listeners.__name__]
Listener: Any = SocketListener
Stream: Any = SocketStream


@mutant("NET-12")
def serve_raises_when_it_is_closed(_: Broken) -> None:
    """serve() ends with ClosedResourceError when the listener is closed."""

    async def serve(listener: Any, handler: Any, group: Any, *_: Any) -> None:
        while True:
            group.start_soon(handler, await listener.accept())

    replace(Listener, _serve=serve)


@mutant("NET-12")
def errors_of_handlers_are_printed(_: Broken) -> None:
    """serve() prints what a handler raises, whatever it was told to do with it."""

    async def run(original: Any, handler: Any, stream: Any, _: Any) -> None:
        async def caught(given: Any) -> None:
            try:
                await handler(given)
            except Exception:
                given._close()
                traceback.print_exc()

        await original(caught, stream, "raise")

    around(listeners, "run_handler", run)


@mutant("NET-12")
def failing_handler_ends_the_server(_: Broken) -> None:
    """What a handler raises makes serve() fail."""

    async def run(original: Any, handler: Any, stream: Any, _: Any) -> None:
        await original(handler, stream, "raise")

    around(listeners, "run_handler", run)


@mutant("NET-12")
def stream_of_a_failed_handler_stays_open(_: Broken) -> None:
    """The stream of a handler that fails is left to the garbage collector."""
    kept: list[Any] = []

    async def run(original: Any, handler: Any, stream: Any, on_error: Any) -> None:
        async def failing(given: Any) -> None:
            try:
                await handler(given)
            except Exception:
                twin = socket.socket(fileno=given._socket.fileno())
                given._socket.detach()
                kept.append(twin)
                raise

        await original(failing, stream, on_error)

    around(listeners, "run_handler", run)


@mutant("NET-12")
def cancelled_handlers_keep_their_streams(_: Broken) -> None:
    """The stream of a handler is closed after an Exception only."""

    async def run(handler: Any, stream: Any, on_error: Any) -> None:
        try:
            await handler(stream)
        except Exception as error:
            stream._close()
            if on_error == "raise":
                raise
            if on_error == "log":
                listeners._logger.exception("the handler of a connection failed")
            else:
                on_error(error)

    kept: list[Any] = []

    def init(original: Any, stream: Any, *args: Any) -> None:
        original(stream, *args)
        kept.append(stream)

    around(Stream, "__init__", init)
    replace(listeners, run_handler=run)


@mutant("NET-12")
def interrupts_are_errors_of_handlers(_: Broken) -> None:
    """Whatever a handler raises is logged, but for cancellations."""

    async def run(original: Any, handler: Any, stream: Any, on_error: Any) -> None:
        try:
            await original(handler, stream, on_error)
        except BaseException as error:
            if type(error).__module__.startswith("accord_conformance"):
                listeners._logger.exception("the handler of a connection failed")
            else:
                raise

    around(listeners, "run_handler", run)


@mutant("NET-12")
def closing_a_listener_cancels_the_handlers(_: Broken) -> None:
    """serve() cancels its handlers when the listener is closed."""

    async def serve(original: Any, listener: Any, handler: Any, group: Any, *args: Any) -> None:
        await original(listener, handler, group, *args)
        group.cancel()

    around(Listener, "_serve", serve)


@mutant("NET-12")
def serve_always_waits_for_its_handlers(_: Broken) -> None:
    """serve() runs the handlers in a group of its own, whichever it is given."""

    async def serve(original: Any, listener: Any, handler: Any, group: Any, *args: Any) -> None:
        async with create_task_group() as own:
            await original(listener, handler, own, *args)

    around(Listener, "_serve", serve)


@mutant("NET-12")
def serve_never_says_that_it_is_ready(_: Broken) -> None:
    """task_status.started() is called with the first connection."""

    async def serve(original: Any, listener: Any, handler: Any, group: Any, status: Any, on_error: Any) -> None:
        async def first(stream: Any) -> None:
            status.started()
            await handler(stream)

        class Later:
            def started(self) -> None:
                pass

        await original(listener, first, group, Later(), on_error)

    around(Listener, "_serve", serve)


@mutant("NET-12")
def any_word_will_do_for_on_error(_: Broken) -> None:
    """on_error is not checked."""

    def check(on_error: object) -> None:
        pass

    replace(listeners, check_on_error=check)


@mutant("NET-21")
def lack_of_descriptors_ends_the_server(_: Broken) -> None:
    """serve() raises EMFILE."""
    replace(listeners, _EXHAUSTED=frozenset[int]())


@mutant("NET-21")
def lack_of_memory_ends_the_server(_: Broken) -> None:
    """serve() goes on for EMFILE only."""
    replace(listeners, _EXHAUSTED={errno.EMFILE})


@mutant("NET-21")
def server_without_descriptors_polls(_: Broken) -> None:
    """serve() tries again at once."""

    async def sleep(_: float) -> None:
        await checkpoint()

    replace(listeners, sleep=sleep)


@mutant("NET-21")
def lack_of_descriptors_is_not_logged(_: Broken) -> None:
    """serve() waits and tries again without a word."""

    def warning(*_: Any) -> None:
        pass

    listeners._logger.warning = warning


@mutant("NET-21")
def gone_connections_end_the_server(_: Broken) -> None:
    """ECONNABORTED comes out of accept() and serve()."""
    replace(listeners, _GONE=frozenset[int]())


@mutant("NET-21")
def accept_waits_for_descriptors(_: Broken) -> None:
    """accept() tries again until there is a descriptor."""

    async def accept(original: Any, listener: Any) -> Any:
        while True:
            try:
                return await original(listener)
            except OSError:
                await accord.sleep(0.01)

    around(Listener, "accept", accept)


@mutant("NET-22")
def accepted_streams_wait_for_acknowledgements(_: Broken) -> None:
    """Only streams from connect_tcp() have TCP_NODELAY."""

    def init(original: Any, listener: Any, sock: Any, make: Any) -> None:
        def made(connection: Any) -> Any:
            stream = make(connection)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
            return stream

        original(listener, sock, made)

    around(Listener, "__init__", init)


@mutant("NET-21")
def closed_while_it_waits_for_descriptors(_: Broken) -> None:
    """serve() that finds no descriptors closes its listener."""

    async def accept(original: Any, listener: Any, most: int) -> Any:
        try:
            return await original(listener, most)
        except OSError as error:
            listener._close()
            raise ClosedResourceError from error

    around(Listener, "_accept", accept)
