"""Mutants of TCP: listeners, connecting, closing, sockets that are left over, and checkpoints."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from accord import (
    BrokenResourceError,
    CancelScope,
    ClosedResourceError,
    ConnectionFailed,
    SocketListener,
    SocketStream,
    connect_tcp,
    create_tcp_listener,
)
from accord.abc import SocketAttribute
from accord.lowlevel import checkpoint, checkpoint_if_cancelled
from accord.streams.stapled import MultiListener

from .making import Broken, add, around, mutant, replace
from .waiting import around_getter, checks_again, replace_everywhere

attributes: Any = sys.modules["accord.net.attributes"]
resources: Any = sys.modules["accord.net.resources"]
tcp: Any = sys.modules["accord.net.tcp"]
Resource: Any = SocketStream.__mro__[1]
Stream: Any = SocketStream
really: Any = connect_tcp
Listener: Any = SocketListener


@mutant("NET-1")
def handlers_run_one_after_another(_: Broken) -> None:
    """serve() waits for a handler before it accepts the next connection."""

    async def serve(listener: Any, handler: Any, group: Any, *_: Any) -> None:
        while True:
            try:
                stream = await listener.accept()
            except ClosedResourceError:
                return
            await group.start_soon(handler, stream).wait()

    replace(Listener, _serve=serve)


@mutant("NET-1")
def port_of_a_listener_is_what_was_asked_for(_: Broken) -> None:
    """local_port of a listener for which the system chose a port is 0."""

    def found(original: Any, sock: Any, *, connected: bool) -> Any:
        known = dict(original(sock, connected=connected))
        if not connected:
            known[SocketAttribute.local_port] = lambda: 0
        return known

    around(resources, "socket_attributes", found)


@mutant("NET-1")
def ports_are_those_of_the_other_side(_: Broken) -> None:
    """A stream from accept() tells its own address as the peer's."""

    def get(original: Any, stream: Any) -> Any:
        known = dict(original(stream))
        if SocketAttribute.remote_port in known:
            known[SocketAttribute.remote_port] = known[SocketAttribute.local_port]
        return known

    around_getter(Resource, "extra_attributes", get)


@mutant("NET-1")
def names_of_hosts_are_not_resolved(_: Broken) -> None:
    """Only numeric addresses are understood."""

    async def resolve(host: str, port: int, *_: Any, **keywords: Any) -> Any:
        await checkpoint()
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [(info[0], info[1], info[2], info[4]) for info in infos]

    replace(tcp, resolve=resolve)


@mutant("NET-6")
def closing_looks_for_a_cancellation_first(_: Broken) -> None:
    """aclose() in a cancelled scope leaves the socket open."""

    async def aclose(original: Any, resource: Any) -> None:
        await checkpoint()
        await original(resource)

    around(Resource, "aclose", aclose)


@mutant("NET-6")
def closing_is_no_checkpoint(_: Broken) -> None:
    """aclose() returns without a checkpoint."""

    async def aclose(resource: Any) -> None:
        resource._close()

    replace(Resource, aclose=aclose)


@mutant("NET-6")
def closing_twice_fails(_: Broken) -> None:
    """aclose() of what is closed raises ClosedResourceError."""

    async def aclose(original: Any, resource: Any) -> None:
        resource._check_open()
        await original(resource)

    around(Resource, "aclose", aclose)


@mutant("NET-6")
def closing_wakes_nobody(_: Broken) -> None:
    """A task that waits for a socket which is closed waits on."""

    async def aclose(original: Any, resource: Any) -> None:
        resource._poller = resources.create_poller(resource._socket.fileno())
        await original(resource)

    around(Resource, "aclose", aclose)


@mutant("NET-6")
def closing_shuts_down_only(_: Broken) -> None:
    """The descriptor is released when the stream is freed, not when it is closed."""

    async def aclose(stream: Any) -> None:
        if not stream._closed:
            stream._closed = True
            stream._poller.close()
            stream._socket.shutdown(socket.SHUT_RDWR)
        await checkpoint()

    replace(Stream, aclose=aclose)


@mutant("NET-6")
def closing_wakes_with_a_broken_connection(_: Broken) -> None:
    """A task that waits for a stream which is closed gets BrokenResourceError."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        stream._check_open()
        try:
            return await original(stream, *size)
        except ClosedResourceError as error:
            raise BrokenResourceError("the connection was closed") from error

    around(Stream, "receive", receive)


@mutant("NET-6")
def attributes_outlive_their_socket(_: Broken) -> None:
    """extra() of a closed stream or listener asks the socket, which raises OSError."""

    def get(_original: Any, resource: Any) -> Any:
        return attributes.socket_attributes(resource._socket, connected=resource._connected)

    around_getter(Resource, "extra_attributes", get)


@mutant("NET-11")
def connect_raises_what_the_system_says(_: Broken) -> None:
    """A refused connection is a ConnectionRefusedError."""

    async def connect(host: Any, port: Any, **keywords: Any) -> Any:
        try:
            return await really(host, port, **keywords)
        except ConnectionFailed as error:
            raise error.__cause__ or error from None

    replace_everywhere(connect_tcp, connect)


def fails_with(change: Callable[[ConnectionFailed], Exception]) -> None:
    """Let connect_tcp() raise ``change(error)`` from what the system said."""

    async def connect(host: Any, port: Any, **keywords: Any) -> Any:
        try:
            return await really(host, port, **keywords)
        except ConnectionFailed as error:
            raise change(error) from error.__cause__

    replace_everywhere(connect_tcp, connect)


@mutant("NET-11")
def connect_error_has_no_number(_: Broken) -> None:
    """ConnectionFailed has no errno."""
    fails_with(lambda error: ConnectionFailed(None, str(error.strerror), error.host, error.port))


@mutant("NET-11")
def connect_error_does_not_say_where(_: Broken) -> None:
    """The text of ConnectionFailed leaves host and port out."""
    text = "all connection attempts failed"
    fails_with(lambda error: ConnectionFailed(error.errno, text, error.host, error.port))


@mutant("NET-11")
def connect_error_has_the_address_in_its_text_only(_: Broken) -> None:
    """The attributes host and port of ConnectionFailed are not what was passed."""
    fails_with(lambda error: ConnectionFailed(error.errno, str(error.strerror), "", 0))


@mutant("NET-11")
def connect_error_is_a_group(_: Broken) -> None:
    """The cause of one refused connection is an exception group."""

    async def connect(host: Any, port: Any, **keywords: Any) -> Any:
        try:
            return await really(host, port, **keywords)
        except ConnectionFailed as error:
            causes = [cause for cause in [error.__cause__] if isinstance(cause, OSError)]
            raise error from ExceptionGroup("attempts to connect", causes)

    replace_everywhere(connect_tcp, connect)


@mutant("NET-11")
def ports_are_taken_modulo_65536(_: Broken) -> None:
    """A port that is too big or negative is cut to 16 bits."""

    def check(port: Any, *_: Any) -> Any:
        if not isinstance(port, int):
            raise TypeError(f"port must be an int, not {type(port).__name__}")
        return port & 0xFFFF

    replace(tcp, check_port=check)


@mutant("NET-11")
def ports_are_left_to_the_system(_: Broken) -> None:
    """Nobody looks at ports before the system does."""

    def check(port: Any, *_: Any) -> Any:
        return port

    replace(tcp, check_port=check)


@mutant("NET-13", base="trio")  # on asyncio a poller leaves no time between the attempt and the task
def accepted_connection_is_lost_to_a_cancellation(_: Broken) -> None:
    """accept() takes a connection, and then looks for a cancellation."""
    checks_again(Listener, "accept")


@mutant("NET-13")
def cancelled_connect_leaves_its_socket(_: Broken) -> None:
    """A connection that can't be made closes its socket after an OSError only, not after a cancellation."""

    async def connect(info: Any, local: Any = None) -> Any:
        family, _, proto, address = info
        sock = socket.socket(family, socket.SOCK_STREAM, proto)
        try:
            sock.setblocking(False)
            code = sock.connect_ex(address)
            if code == errno.EINPROGRESS:
                poller = resources.create_poller(sock.fileno())
                code = await poller.writable(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            if code:
                raise OSError(code, os.strerror(code))
            return SocketStream(sock)
        except OSError:
            sock.close()
            raise

    replace(tcp, _connect=connect)


def closes_quietly(resource: Any) -> None:
    """What a careful author writes as ``__del__``."""
    resource._socket.close()


@mutant("NET-14")
def freed_streams_close_quietly(_: Broken) -> None:
    """A stream that is freed closes its socket."""
    add(Stream, __del__=closes_quietly)


@mutant("NET-14")
def freed_listeners_close_quietly(_: Broken) -> None:
    """A listener that is freed closes its socket."""
    add(Listener, __del__=closes_quietly)


@mutant("NET-15")
def connecting_can_not_be_cancelled(_: Broken) -> None:
    """connect_tcp() to an address that answers at once does not look for a cancellation."""

    async def connect(host: Any, port: Any, **keywords: Any) -> Any:
        with CancelScope(shield=True):
            return await really(host, port, **keywords)

    replace_everywhere(connect_tcp, connect)


@mutant("NET-15")
def listening_is_no_checkpoint(_: Broken) -> None:
    """create_tcp_listener() only looks for a cancellation."""

    async def listen(*, local_host: Any = None, local_port: int = 0, **_: Any) -> Any:
        await checkpoint_if_cancelled()
        listener: Any = SocketListener(socket.create_server((local_host or "", local_port)), SocketStream)
        return MultiListener([listener])

    replace_everywhere(create_tcp_listener, listen)


@mutant("NET-15")
def accepting_at_once_does_not_yield(_: Broken) -> None:
    """accept() does not yield if there is a connection already."""

    async def accept(original: Any, listener: Any) -> Any:
        await checkpoint_if_cancelled()
        try:
            connection, _ = listener._socket.accept()
        except BlockingIOError:
            return await original(listener)
        return SocketStream(connection)

    around(Listener, "accept", accept)
