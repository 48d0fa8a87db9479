"""Mutants of UDP."""

from __future__ import annotations

import errno
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from accord import (
    BrokenResourceError,
    ConnectedUDPSocket,
    Lock,
    UDPSocket,
    create_udp_socket,
    getaddrinfo,
)
from accord.lowlevel import checkpoint, checkpoint_if_cancelled

from .making import Broken, add, around, mutant, replace
from .waiting import checks_again, replace_everywhere

datagrams: Any = sys.modules["accord.net.datagrams"]
resources: Any = sys.modules["accord.net.resources"]
udp: Any = sys.modules["accord.net.udp"]
Base: Any = UDPSocket.__mro__[1]
Open: Any = UDPSocket
Connected: Any = ConnectedUDPSocket
BOTH = (Open, Connected)


@mutant("UDP-1")
def port_without_host_is_forgotten(_: Broken) -> None:
    """local_port without local_host is not bound."""

    async def create(family: int = 0, *, local_host: Any = None, local_port: int = 0, **keywords: Any) -> Any:
        port = 0 if local_host is None else local_port
        return await create_udp_socket(family, local_host=local_host, local_port=port, **keywords)

    replace_everywhere(create_udp_socket, create)


@mutant("UDP-1")
def sockets_of_ipv6_are_for_both_families(_: Broken) -> None:
    """A socket of family AF_INET6 takes the port of IPv4, too."""

    def make(info: Any, local: Any, host: Any, reuse_port: bool) -> Any:
        sock = socket.socket(*info[:3])
        try:
            if info[0] == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            if local is not None:
                sock.bind(local[3])
        except BaseException:
            sock.close()
            raise
        return sock

    replace(udp, _new_socket=make)


@mutant("UDP-1")
def any_family_will_do(_: Broken) -> None:
    """Without family and local_host an IPv4 socket is made."""

    async def create(family: int = 0, *, local_host: Any = None, **keywords: Any) -> Any:
        if not family and local_host is None:
            family = socket.AF_INET
        return await create_udp_socket(family, local_host=local_host, **keywords)

    replace_everywhere(create_udp_socket, create)


@mutant("UDP-2")
def empty_datagrams_are_skipped(_: Broken) -> None:
    """receive() waits for a datagram with data."""

    async def receive(original: Any, sock: Any) -> Any:
        while True:
            item = await original(sock)
            if item and item[0] != b"":
                return item

    around(Base, "receive", receive)


@mutant("UDP-2")
def empty_datagrams_are_not_sent(_: Broken) -> None:
    """send() of nothing does nothing."""

    async def send(original: Any, sock: Any, data: Any) -> Any:
        if data:
            await original(sock, data)

    around(Connected, "send", send)


@mutant("UDP-2")
def long_datagrams_are_cut(_: Broken) -> None:
    """receive() returns at most 8192 bytes."""
    replace(udp, _LONGEST=8192)


@mutant("UDP-2")
def empty_datagrams_end_the_iteration(_: Broken) -> None:
    """An empty datagram is taken for the end of a stream."""

    async def step(sock: Any) -> Any:
        item = await sock.receive()
        if b"" in (item, item[0]):
            raise StopAsyncIteration
        return item

    replace(Base, __anext__=step)


def reads_ahead(limit: int) -> None:
    """Let receive() read all there is into a queue that keeps the newest ``limit`` datagrams."""
    queues: WeakKeyDictionary[Any, deque[Any]] = WeakKeyDictionary()

    def take(original: Any, sock: Any) -> Any:
        queue = queues.setdefault(sock, deque(maxlen=limit))
        try:
            while True:
                queue.append(original(sock))
        except BlockingIOError:
            if not queue:
                raise
        return queue.popleft()

    for owner in BOTH:
        around(owner, "_take", take)


@mutant("UDP-3")
def newest_hundred_are_kept(_: Broken) -> None:
    """receive() reads all there is, and keeps the newest hundred."""
    reads_ahead(100)


@mutant("UDP-3")
def everything_is_read_ahead(_: Broken) -> None:
    """receive() reads all there is, and keeps it in the process."""
    reads_ahead(10**9)


@mutant("UDP-4")
def errors_of_the_network_are_ignored(_: Broken) -> None:
    """receive() waits on when the system reports that nobody has the port."""

    def take(original: Any, sock: Any) -> Any:
        try:
            return original(sock)
        except ConnectionRefusedError:
            raise BlockingIOError from None

    around(Connected, "_take", take)


@mutant("UDP-4")
def errors_of_the_network_stick(_: Broken) -> None:
    """A socket that has had an error raises it for ever."""
    broken: WeakKeyDictionary[Any, Exception] = WeakKeyDictionary()

    async def guarded(original: Any, sock: Any, *args: Any) -> Any:
        if sock in broken:
            raise BrokenResourceError("the socket is broken")
        try:
            return await original(sock, *args)
        except BrokenResourceError as error:
            broken[sock] = error
            raise

    for name in ("receive", "_send"):
        around(Base, name, guarded)


@mutant("UDP-4")
def errors_of_the_network_have_no_cause(_: Broken) -> None:
    """BrokenResourceError doesn't have the system's error as its cause."""

    async def receive(original: Any, sock: Any) -> Any:
        try:
            return await original(sock)
        except BrokenResourceError as error:
            raise BrokenResourceError(str(error)) from None

    around(Base, "receive", receive)


@mutant("UDP-5")
def too_long_is_a_broken_socket(_: Broken) -> None:
    """Data that is too long for a datagram is a BrokenResourceError."""

    def translate(exc: OSError, what: str = "") -> Exception:
        return BrokenResourceError(f"the system says: {exc.strerror}")

    replace(datagrams, datagram_error=translate)


@mutant("UDP-5")
def too_long_is_reported_as_sent(_: Broken) -> None:
    """Data that is too long for a datagram is dropped."""

    async def send(original: Any, sock: Any, attempt: Callable[[], object]) -> None:
        def tolerant() -> object:
            try:
                return attempt()
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    raise
                return None

        await original(sock, tolerant)

    around(Base, "_send", send)


@mutant("UDP-6")
def names_are_resolved_for_each_datagram(_: Broken) -> None:
    """sendto() takes the name of a host."""

    async def sendto(original: Any, sock: Any, data: Any, host: Any, port: Any) -> None:
        if host == "localhost":
            host = (await getaddrinfo(host, port, family=socket.AF_INET))[0][4][0]
        await original(sock, data, host, port)

    around(Open, "sendto", sendto)


@mutant("UDP-6")
def addresses_of_the_other_family_are_left_to_the_system(_: Broken) -> None:
    """sendto() finds out about the family when it sends."""

    def numeric(host: Any) -> Any:
        return socket.AF_INET

    replace(udp, numeric=numeric)


@mutant("UDP-6")
def ports_of_datagrams_are_left_to_the_system(_: Broken) -> None:
    """sendto() takes any port."""

    def check(port: Any, *args: Any, **keywords: Any) -> Any:
        return port

    replace(udp, check_port=check)
    replace(sys.modules["accord.net.addresses"], check_port=check)


@mutant("UDP-7")
def second_receiver_waits_in_line(_: Broken) -> None:
    """A second receiver waits until the first has its datagram."""
    locks: WeakKeyDictionary[Any, Lock] = WeakKeyDictionary()

    async def receive(original: Any, sock: Any) -> Any:
        async with locks.setdefault(sock, Lock()):
            return await original(sock)

    around(Base, "receive", receive)


@mutant("UDP-8")
def closed_socket_delivers_what_had_arrived(_: Broken) -> None:
    """receive() after aclose() returns datagrams that had arrived before."""
    left: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()

    async def aclose(original: Any, sock: Any) -> None:
        queue = left.setdefault(sock, [])
        if not sock._closed:
            try:
                while True:
                    queue.append(sock._take())
            except OSError:
                pass
        await original(sock)

    async def receive(original: Any, sock: Any) -> Any:
        return left[sock].pop(0) if left.get(sock) else await original(sock)

    around(Base, "aclose", aclose)
    around(Base, "receive", receive)


@mutant("UDP-8")
def freed_sockets_close_quietly(_: Broken) -> None:
    """A socket that is freed is closed without a word."""

    def quietly(sock: Any) -> None:
        sock._socket.close()

    add(Base, __del__=quietly)


@mutant("UDP-8")
def closing_a_socket_wakes_nobody(_: Broken) -> None:
    """A task that waits for a datagram waits on when the socket is closed."""

    async def aclose(original: Any, sock: Any) -> None:
        sock._poller = resources.create_poller(sock._socket.fileno())
        await original(sock)

    around(Base, "aclose", aclose)


@mutant("UDP-9", base="trio")  # on asyncio a poller leaves no time between the attempt and the task
def datagram_is_lost_to_a_cancellation(_: Broken) -> None:
    """receive() takes a datagram, and then looks for a cancellation."""
    checks_again(Base, "receive")


@mutant("UDP-9")
def datagram_that_is_there_is_returned_at_once(_: Broken) -> None:
    """receive() is no checkpoint if there is a datagram."""

    async def receive(original: Any, sock: Any) -> Any:
        if not sock._closed and not sock._receiving:
            try:
                return sock._take()
            except OSError:
                pass
        return await original(sock)

    around(Base, "receive", receive)


@mutant("UDP-9")
def datagram_is_sent_at_once(_: Broken) -> None:
    """send() looks for a cancellation when it has sent."""

    async def send(sock: Any, attempt: Callable[[], object]) -> None:
        sock._check_open()
        attempt()
        await checkpoint()

    replace(Base, _send=send)


@mutant("UDP-9")
def cancelled_comes_before_busy_for_datagrams(_: Broken) -> None:
    """receive() looks for a cancellation before it looks for another receiver."""

    async def receive(original: Any, sock: Any) -> Any:
        await checkpoint_if_cancelled()
        return await original(sock)

    around(Base, "receive", receive)


@mutant("UDP-9")
def closed_comes_before_cancelled_for_datagrams(_: Broken) -> None:
    """receive() looks whether it is closed before it looks for a cancellation."""

    async def receive(original: Any, sock: Any) -> Any:
        sock._check_open()
        return await original(sock)

    around(Base, "receive", receive)
