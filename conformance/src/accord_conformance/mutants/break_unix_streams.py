"""Mutants of UNIX sockets: streams with records and descriptors, and datagrams."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from accord import (
    BrokenResourceError,
    IncompleteRead,
    Lock,
    SocketStream,
    UNIXDatagramSocket,
    UNIXSocketStream,
)
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace
from .waiting import checks_again

streams: Any = sys.modules[UNIXSocketStream.__module__]
datagrams: Any = sys.modules[UNIXDatagramSocket.__module__]
Stream: Any = UNIXSocketStream
Records: Any = streams.UNIXSeqpacketStream
Open: Any = UNIXDatagramSocket
Base: Any = UNIXDatagramSocket.__mro__[1]


@mutant("UNIX-7")
def wrong_descriptors_are_left_out(_: Broken) -> None:
    """send_fds() sends those elements that are descriptors."""

    def check(original: Any, fds: Any) -> Any:
        return original([fd for fd in fds if type(fd) is int or hasattr(fd, "fileno")])

    around(streams, "_check_fds", check)


@mutant("UNIX-7")
def files_are_no_descriptors(_: Broken) -> None:
    """send_fds() takes numbers only."""

    def check(original: Any, fds: Any) -> Any:
        for fd in fds:
            if hasattr(fd, "fileno"):
                raise TypeError("fds must be integers")
        return original(fds)

    around(streams, "_check_fds", check)


@mutant("UNIX-7")
def descriptors_go_with_each_part(_: Broken) -> None:
    """When a message goes in parts the descriptors go with each of them."""

    async def send(stream: Any, data: bytes, ancillary: Any) -> None:
        await checkpoint()
        stream._check_sendable()
        rest = [data]
        while rest[0]:
            sent = await stream._poller.writable(lambda: stream._socket.sendmsg(rest, ancillary))
            rest[0] = rest[0][sent:]

    replace(Stream, _send_message=send)


@mutant("UNIX-7")
def long_messages_are_cut(_: Broken) -> None:
    """send_fds() returns when the first part is sent."""

    async def nothing(stream: Any, data: Any, sent: int) -> None:
        return

    replace(Stream, _send_rest=nothing)


@mutant("UNIX-7")
def wrong_descriptor_breaks_the_stream(_: Broken) -> None:
    """A descriptor that isn't open is taken for a broken connection."""
    streams._WRONG.clear()


@mutant("UNIX-8")
def surplus_of_descriptors_is_dropped(_: Broken) -> None:
    """receive_fds() returns as many descriptors as were asked for, and says nothing of others."""

    def receive(original: Any, *args: Any) -> Any:
        data, fds, flags = original(*args)
        return data, fds, flags & ~socket.MSG_CTRUNC

    around(streams, "_receive_rights", receive)


@mutant("UNIX-8")
def surplus_of_descriptors_leaks(_: Broken) -> None:
    """If more descriptors came than were asked for, those that were received stay open."""

    class Lazy:
        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def close(self, fd: int) -> None:
            """Forget to."""

    replace(streams, os=Lazy())


@mutant("UNIX-8")
def room_for_descriptors_is_rounded_up(_: Broken) -> None:
    """With an odd limit one descriptor more may come."""

    def receive(sock: Any, msglen: int, maxfds: int) -> Any:
        data, ancillary, flags, _ = sock.recvmsg(msglen, socket.CMSG_SPACE(4 * maxfds), socket.MSG_CMSG_CLOEXEC)
        fds = [fd for _, _, content in ancillary for fd in memoryview(content).cast("i")]
        return data, fds, flags

    replace(streams, _receive_rights=receive)


@mutant("UNIX-8")
def received_descriptors_are_inherited(_: Broken) -> None:
    """Programs that are started get the descriptors that were received."""

    def receive(original: Any, *args: Any) -> Any:
        data, fds, flags = original(*args)
        for fd in fds:
            os.set_inheritable(fd, True)
        return data, fds, flags

    around(streams, "_receive_rights", receive)


@mutant("UNIX-8")
def descriptors_are_received_in_any_case(_: Broken) -> None:
    """receive() has room for descriptors, and leaves them open."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        return (await stream.receive_fds(*(size or (65536,)), 100))[0]

    around(Stream, "receive", receive)


@mutant("UNIX-9")
def records_are_cut_in_silence(_: Broken) -> None:
    """The rest of a record that is too long is dropped."""

    def receive(original: Any, *args: Any) -> Any:
        return *original(*args)[:2], 0

    around(streams, "_receive_record", receive)


@mutant("UNIX-9")
def records_are_bytes_of_a_stream(_: Broken) -> None:
    """A record is received as the bytes of a stream are."""
    replace(Records, receive=SocketStream.receive, send=SocketStream.send)


@mutant("UNIX-9")
def empty_records_are_sent(_: Broken) -> None:
    """An empty record is sent, and taken for the end of the stream."""

    async def send(stream: Any, item: Any) -> None:
        await stream._send_message(bytes(item), [])

    replace(Records, send=send)


@mutant("UNIX-9")
def record_that_is_too_long_breaks_the_stream(_: Broken) -> None:
    """A record that is too long is taken for a broken connection."""
    del streams._WRONG[errno.EMSGSIZE]


@mutant("UNIX-9")
def records_are_sent_in_parts(_: Broken) -> None:
    """send() of a record that has to wait has sent a part of it."""

    async def send(original: Any, stream: Any, data: bytes, ancillary: Any) -> None:
        for start in range(0, len(data), 500):
            await original(stream, data[start : start + 500], ancillary)

    around(Records, "_send_message", send)


@mutant("UNIX-10")
def sender_without_path_is_none(_: Broken) -> None:
    """The path of a sender that has none is what Python makes of it."""

    def public(path: Any) -> Any:
        return path

    replace(datagrams, public_path=public)


@mutant("UNIX-10")
def unix_datagrams_are_cut(_: Broken) -> None:
    """receive() returns at most 65536 bytes of a datagram."""

    def take(sock: Any) -> Any:
        return sock.recvfrom(65536)

    replace(datagrams, _take_whole=take)


@mutant("UNIX-10")
def full_queue_is_waited_for_by_readiness(_: Broken) -> None:
    """A sender whose receiver has no room waits until its own socket is writable."""
    replace(Open, _wait_and_send=Base._wait_and_send)


@mutant("UNIX-10")
def full_queue_is_an_error(_: Broken) -> None:
    """A sender whose receiver has no room gets BrokenResourceError."""

    async def fail(sock: Any, attempt: Callable[[], object]) -> None:
        raise BrokenResourceError("there is no room")

    replace(Base, _wait_and_send=fail)
    replace(Open, _wait_and_send=fail)


@mutant("UNIX-10")
def full_queue_drops_datagrams(_: Broken) -> None:
    """A datagram for which the receiver has no room is dropped."""

    async def drop(sock: Any, attempt: Callable[[], object]) -> None:
        await checkpoint()

    replace(Base, _wait_and_send=drop)
    replace(Open, _wait_and_send=drop)


@mutant("UNIX-10")
def second_sender_waits_in_line(_: Broken) -> None:
    """A second sender waits until the first has sent."""
    locks: WeakKeyDictionary[Any, Lock] = WeakKeyDictionary()

    async def send(original: Any, sock: Any, attempt: Any) -> None:
        async with locks.setdefault(sock, Lock()):
            await original(sock, attempt)

    around(Base, "_send", send)


@mutant("UNIX-11")
def records_are_taken_over_as_bytes(_: Broken) -> None:
    """from_socket() makes a stream of bytes of any socket."""
    replace(streams, _stream=Stream)


@mutant("UNIX-11")
def any_unix_socket_is_taken_over(_: Broken) -> None:
    """from_socket() does not look at the type of a socket, or whether it is connected."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM)

    async def adopt(original: Any, sock: Any, make: Any, **options: Any) -> Any:
        return await original(sock, Stream if make is streams._stream else make, kinds=kinds)

    for module in (streams, datagrams):
        around(module, "adopt", adopt)


@mutant("UNIX-12", base="trio")  # on asyncio a poller leaves no time between the attempt and the task
def descriptors_are_lost_to_a_cancellation(_: Broken) -> None:
    """receive_fds() takes a message, and then looks for a cancellation."""
    checks_again(Stream, "_receive_message")


@mutant("UNIX-12")
def message_that_is_there_is_received_at_once(_: Broken) -> None:
    """receive_fds() is no checkpoint if there is a message."""

    async def receive(original: Any, stream: Any, attempt: Callable[[], Any]) -> Any:
        if not stream._closed and not stream._receiving and stream._broken is None:
            try:
                data, fds, flags = attempt()
            except OSError:
                pass
            else:
                if data and not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                    return data, fds
                for fd in fds:
                    os.close(fd)
                raise IncompleteRead("too much", data)
        return await original(stream, attempt)

    around(Stream, "_receive_message", receive)


@mutant("UNIX-12")
def descriptors_are_sent_at_once(_: Broken) -> None:
    """send_fds() looks for a cancellation when it has sent."""

    async def send(stream: Any, data: bytes, ancillary: Any) -> None:
        stream._check_sendable()
        sent = stream._socket.sendmsg([data], ancillary)
        await checkpoint()
        await stream._send_rest(data, sent)

    replace(Stream, _send_message=send)


@mutant("UNIX-12")
def broken_comes_before_cancelled_for_messages(_: Broken) -> None:
    """send_fds() looks whether the connection is broken before it looks for a cancellation."""

    async def send(original: Any, stream: Any, data: bytes, ancillary: Any) -> None:
        stream._check_sendable()
        await original(stream, data, ancillary)

    around(Stream, "_send_message", send)
