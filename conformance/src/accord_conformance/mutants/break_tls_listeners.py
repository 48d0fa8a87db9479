"""Mutants of TLS listeners."""

from __future__ import annotations

import sys
from typing import Any

from accord import CancelScope, create_task_group
from accord.lowlevel import checkpoint
from accord.streams.tls import TLSListener, TLSStream

from .making import Broken, around, mutant, replace

Stream: Any = TLSStream
Listener: Any = TLSListener
Records: Any = TLSStream.__mro__[1]
tls: Any = sys.modules["accord.streams.tls"]
stream_module: Any = sys.modules["accord.streams._tls_stream"]
records: Any = sys.modules["accord.streams._tls_records"]


def _serves(wrapper: Any) -> None:
    around(Listener, "serve", wrapper)


@mutant("TLS-20")
def handshakes_come_one_after_another(_: Broken) -> None:
    """Only one handshake is made at a time."""
    busy: list[bool] = []
    original = Stream.wrap.__func__

    async def wrap(cls: Any, transport: Any, /, **options: Any) -> Any:
        server_side = options.get("server_side")
        while server_side and busy:
            await checkpoint()
        if server_side:
            busy.append(True)
        try:
            return await original(cls, transport, **options)
        finally:
            if server_side:
                busy.clear()

    Stream.wrap = classmethod(wrap)


@mutant("TLS-20")
def listeners_forget_the_mode(_: Broken) -> None:
    """Streams of a listener are always in standard mode."""

    async def serve(original: Any, listener: Any, handler: Any, *args: Any, **options: Any) -> None:
        async def handle(stream: Any) -> None:
            stream.standard_compatible = True
            await handler(stream)

        await original(listener, handle, *args, **options)

    _serves(serve)


@mutant("TLS-20")
def handshakes_take_any_time(_: Broken) -> None:
    """There is no timeout for handshakes."""

    def fail_after(seconds: float) -> CancelScope:
        return CancelScope()

    replace(tls, fail_after=fail_after)


@mutant("TLS-20")
def group_is_not_passed_on(_: Broken) -> None:
    """Handlers run in a group of serve(), whatever was passed."""

    async def serve(original: Any, listener: Any, handler: Any, task_group: Any = None, **options: Any) -> None:
        async with create_task_group() as group:
            await original(listener, handler, group, **{**options, "on_error": "raise"})

    _serves(serve)


@mutant("TLS-20")
def status_is_not_passed_on(_: Broken) -> None:
    """Whoever waits for serve() to be ready waits for ever."""

    async def serve(
        original: Any, listener: Any, handler: Any, *args: Any, task_status: Any = None, **options: Any
    ) -> None:
        await original(listener, handler, *args, **options)

    _serves(serve)


@mutant("TLS-20")
def timeouts_are_not_checked(_: Broken) -> None:
    """A timeout may be anything."""

    def check(value: Any, name: str) -> Any:
        return value

    replace(tls, check_timeout=check)


@mutant("TLS-21")
def bad_clients_end_the_server(_: Broken) -> None:
    """A handshake that fails ends serve()."""

    async def handle(exc: BaseException, stream: Any) -> None:
        raise exc

    async def serve(original: Any, listener: Any, handler: Any, *args: Any, **options: Any) -> None:
        await original(listener, handler, *args, **{**options, "on_error": "raise"})

    replace(Listener, handle_handshake_error=staticmethod(handle))
    _serves(serve)


@mutant("TLS-21")
def failed_handshakes_are_not_logged(_: Broken) -> None:
    """Nobody learns of handshakes that fail."""
    replace(tls._logger, disabled=True)


@mutant("TLS-21")
def cancellations_are_swallowed(_: Broken) -> None:
    """handle_handshake_error() raises nothing again."""

    async def handle(original: Any, exc: BaseException, stream: Any) -> None:
        try:
            await original(exc, stream)
        except BaseException:
            return

    around(Listener, "handle_handshake_error", handle)
    Listener.handle_handshake_error = staticmethod(Listener.handle_handshake_error)


@mutant("TLS-21")
def subclasses_are_not_asked(_: Broken) -> None:
    """The method of the base class is called, whatever a subclass has."""

    async def serve(original: Any, listener: Any, *args: Any, **options: Any) -> None:
        plain = TLSListener(
            listener.listener, listener.ssl_context, listener.standard_compatible, listener.handshake_timeout
        )
        await original(plain, *args, **options)

    _serves(serve)


@mutant("TLS-21")
def failed_streams_are_left_open(_: Broken) -> None:
    """handle_handshake_error() does not close the stream."""

    async def leave(resource: Any) -> None:
        pass

    replace(tls, aclose_forcefully=leave)
