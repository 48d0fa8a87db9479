"""Mutants of TCP with several addresses: Happy Eyeballs, local ends, listeners of both families, foreign sockets."""

from __future__ import annotations

import errno
import socket
import sys
from typing import Any

import accord.net.connecting
import accord.net.resources
import accord.net.tcp
from accord import ConnectionFailed, SocketListener, SocketStream, connect_tcp, sleep
from accord.abc import SocketAttribute
from accord.lowlevel import checkpoint
from accord.streams.stapled import MultiListener

from .making import Broken, around, mutant, replace
from .waiting import around_getter, replace_everywhere

attributes: Any = sys.modules["accord.net.attributes"]
connecting: Any = sys.modules[accord.net.connecting.__name__]
listening: Any = sys.modules["accord.net.listeners"]
resources: Any = sys.modules[accord.net.resources.__name__]
sockets: Any = sys.modules["accord.net.sockets"]
tcp: Any = sys.modules[accord.net.tcp.__name__]
Stream: Any = SocketStream
really: Any = connect_tcp
Listener: Any = SocketListener


@mutant("NET-16")
def families_come_one_after_the_other(_: Broken) -> None:
    """Addresses are tried in the resolver's order."""
    replace(connecting, interleaved=list)


@mutant("NET-16")
def version_six_comes_first(_: Broken) -> None:
    """The families alternate, but IPv6 begins whatever the resolver says."""
    original = connecting.interleaved

    def interleaved(infos: Any) -> Any:
        return original(sorted(infos, key=lambda info: info[0] != socket.AF_INET6))

    replace(connecting, interleaved=interleaved)


@mutant("NET-16")
def attempts_do_not_overlap(_: Broken) -> None:
    """The next address is tried when the last has failed."""

    async def connect_to_one(infos: Any, connect: Any, _: float, failures: Any) -> Any:
        for info in connecting.interleaved(infos):
            stream = await connecting._attempt(info, connect, failures)
            if stream is not None:
                return stream
        return None

    replace(tcp, connect_to_one=connect_to_one)


@mutant("NET-16")
def attempts_start_at_once(_: Broken) -> None:
    """All addresses are tried at the same time."""

    async def connect_to_one(original: Any, infos: Any, connect: Any, _: float, failures: Any) -> Any:
        return await original(infos, connect, 0, failures)

    around(tcp, "connect_to_one", connect_to_one)


@mutant("NET-16")
def failures_are_waited_for(_: Broken) -> None:
    """The next attempt starts after the delay, also if the last has failed."""

    async def attempt(original: Any, *args: Any) -> Any:
        stream = await original(*args)
        if stream is None:
            await sleep(3600)
        return stream

    around(connecting, "_attempt", attempt)


@mutant("NET-16")
def losers_stay_open(_: Broken) -> None:
    """An attempt that is given up leaves its socket."""
    kept: list[Any] = []

    async def connect(original: Any, info: Any, *local: Any) -> Any:
        def init(make: Any, stream: Any, sock: Any) -> None:
            make(stream, sock)
            kept.append(sock.dup())

        around(Stream, "__init__", init)
        stream = await original(info, *local)
        kept.pop().close()
        return stream

    around(tcp, "_connect", connect)


@mutant("NET-16")
def delay_may_be_anything(_: Broken) -> None:
    """The delay is not checked."""

    def check(delay: Any) -> Any:
        return delay

    replace(tcp, _check_delay=check)


@mutant("NET-17")
def local_host_is_ignored(_: Broken) -> None:
    """The system chooses from where to connect."""

    async def connect(host: Any, port: Any, *, local_host: Any = None, **keywords: Any) -> Any:
        return await really(host, port, **keywords)

    replace_everywhere(connect_tcp, connect)


@mutant("NET-17")
def local_port_needs_a_host(_: Broken) -> None:
    """local_port without local_host is ignored."""

    async def connect(host: Any, port: Any, *, local_port: Any = None, **keywords: Any) -> Any:
        if keywords.get("local_host") is not None:
            keywords["local_port"] = local_port
        return await really(host, port, **keywords)

    replace_everywhere(connect_tcp, connect)


@mutant("NET-17")
def taken_local_port_looks_like_no_answer(_: Broken) -> None:
    """What the system says about binding does not say that it was about binding."""

    def bind(sock: Any, address: Any) -> None:
        sock.bind(address)

    replace(tcp, _bind=bind)


@mutant("NET-17")
def failed_bind_leaves_its_socket(_: Broken) -> None:
    """The socket whose local end can't be had stays open."""
    kept: list[Any] = []

    def bind(original: Any, sock: Any, address: Any) -> None:
        try:
            original(sock, address)
        except OSError:
            kept.append(sock.dup())
            raise

    around(tcp, "_bind", bind)


@mutant("NET-17")
def local_addresses_are_mixed_up(_: Broken) -> None:
    """One local address is used for remote addresses of either family."""

    def our_end(ours: Any, _: int) -> Any:
        return next(iter(ours.values()))

    replace(tcp, _our_end=our_end)


@mutant("NET-19")
def all_interfaces_are_those_of_version_four(_: Broken) -> None:
    """Without a host only IPv4 is served."""
    replace(tcp, _WILDCARDS={socket.AF_INET: tcp._WILDCARDS[socket.AF_INET]})


@mutant("NET-19")
def one_socket_is_for_both_families(_: Broken) -> None:
    """IPv4 clients come to the socket of IPv6, with mapped addresses."""

    def listen_on(original: Any, infos: Any, host: Any, *args: Any) -> Any:
        if host is None and len(infos) == 2:
            infos = [info for info in infos if info[0] == socket.AF_INET6]
        return original(infos, host, *args)

    def bound(original: Any, info: Any, port: int, reuse: bool) -> Any:
        if info[0] != socket.AF_INET6:
            return original(info, port, reuse)
        sock = socket.socket(*info[:3])
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((info[3][0], port, 0, 0))
        return sock

    around(tcp, "_listen_on", listen_on)
    around(tcp, "_bound", bound)


@mutant("NET-19")
def each_address_gets_its_own_port(_: Broken) -> None:
    """The system chooses a port for each socket."""

    def bound(original: Any, info: Any, _: int, reuse: bool) -> Any:
        return original(info, info[3][1], reuse)

    around(tcp, "_bound", bound)


@mutant("NET-19")
def chosen_port_is_tried_once(_: Broken) -> None:
    """A port that is taken for the second address is an error."""
    replace(tcp, _PORTS_TRIED=1)


@mutant("NET-19")
def taken_port_leaves_a_socket(_: Broken) -> None:
    """A socket that can't be bound stays open."""
    kept: list[Any] = []

    def bound(original: Any, info: Any, port: int, reuse: bool) -> Any:
        kept.append(socket.socket(*info[:3]))
        return original(info, port, reuse)

    def listen_on(original: Any, *args: Any) -> Any:
        found = original(*args)
        while kept:
            kept.pop().close()
        return found

    around(tcp, "_bound", bound)
    around(tcp, "_listen_on", listen_on)


@mutant("NET-19")
def single_listeners_are_bare(_: Broken) -> None:
    """A listener of one family is another class than that of several."""

    async def listen(original: Any, *, family: int = 0, **keywords: Any) -> Any:
        listener = await original(family=family, **keywords)
        if not family:
            return listener

        class Bare(MultiListener[Any]):
            pass

        return Bare(listener.listeners)

    made = tcp.create_tcp_listener

    async def wrapped(**keywords: Any) -> Any:
        return await listen(made, **keywords)

    replace_everywhere(made, wrapped)


@mutant("NET-20")
def foreign_sockets_stay_blocking(_: Broken) -> None:
    """A stream leaves the caller's socket blocking."""

    def init(original: Any, stream: Any, sock: Any) -> None:
        timeout = sock.gettimeout()
        original(stream, sock)
        sock.settimeout(timeout)

    around(Stream, "__init__", init)


@mutant("NET-20")
def refused_sockets_are_closed(_: Broken) -> None:
    """A socket that is of no use is closed."""

    async def adopt(original: Any, sock: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return await original(sock, *args, **keywords)
        except ValueError:
            if isinstance(sock, socket.socket):
                sock.close()
            raise

    for module in (sockets, listening):
        around(module, "adopt", adopt)


@mutant("NET-20")
def foreign_sockets_are_not_looked_at(_: Broken) -> None:
    """Any socket is taken."""

    def check(*_: Any) -> None:
        pass

    replace(resources, _check=check)


@mutant("NET-20")
def taking_a_socket_is_no_checkpoint(_: Broken) -> None:
    """from_socket() does not look for a cancellation."""

    async def from_socket(_: Any, sock: Any) -> Any:
        return SocketListener(sock, SocketStream)

    replace(Listener, from_socket=classmethod(from_socket))


@mutant("NET-23")
def sending_yields_now_and_then(_: Broken) -> None:
    """send() skips its yield as other operations do."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if len(item) < 1000 and not stream._closed and not accord.lowlevel.checkpoint_due():
            stream._socket.send(item)
        else:
            await original(stream, item)

    around(Stream, "send", send)


@mutant("NET-23")
def receiving_yields_twice(_: Broken) -> None:
    """receive() yields, and then waits."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        if size in ((), (65536,)) and not stream._closed:
            await checkpoint()
        return await original(stream, *size)

    around(Stream, "receive", receive)


@mutant("NET-24")
def closing_resets(_: Broken) -> None:
    """aclose() throws away what is still on its way."""

    def close(original: Any, stream: Any) -> None:
        if not stream._closed:
            stream._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
        original(stream)

    around(Stream, "_close", close)


@mutant("NET-25")
def addresses_have_four_parts(_: Broken) -> None:
    """Addresses of IPv6 are those of the system."""

    def found(original: Any, sock: Any, **keywords: Any) -> Any:
        known = dict(original(sock, **keywords))
        known[SocketAttribute.local_address] = sock.getsockname
        return known

    around(resources, "socket_attributes", found)


@mutant("NET-25")
def closed_listeners_ask_the_system(_: Broken) -> None:
    """extra() of what is closed raises OSError."""

    def get(_original: Any, resource: Any) -> Any:
        return attributes.socket_attributes(resource._socket, connected=resource._connected)

    around_getter(Stream.__mro__[1], "extra_attributes", get)


@mutant("NET-11")
def number_of_the_error_is_the_first(_: Broken) -> None:
    """Errno is missing where there were several attempts."""

    async def connect(host: Any, port: Any, **keywords: Any) -> Any:
        try:
            return await really(host, port, **keywords)
        except ConnectionFailed as error:
            if len(error.attempts) > 1:
                error.errno = errno.EIO
            raise

    replace_everywhere(connect_tcp, connect)


@mutant("NET-4")
def broken_streams_forget_what_came_before(_: Broken) -> None:
    """After send() found the connection broken, receive() does not look for data."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        if stream._broken is not None and not stream._closed:
            await checkpoint()
            raise accord.BrokenResourceError(stream._broken)
        return await original(stream, *size)

    around(Stream, "receive", receive)
