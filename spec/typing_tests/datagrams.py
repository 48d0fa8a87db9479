"""What type checkers infer for UDP, UNIX sockets, addresses and descriptors; checked, never run."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from pathlib import Path
from typing import assert_type

import accord
from accord.abc import (
    ByteStream,
    ConnectedUDPSocket,
    ConnectedUNIXDatagramSocket,
    IPSockAddrType,
    Listener,
    ObjectReceiveStream,
    ObjectSendStream,
    SocketAttribute,
    UDPPacketType,
    UDPSocket,
    UNIXDatagramPacketType,
    UNIXDatagramSocket,
    UNIXSocketStream,
    UnreliableObjectStream,
)


async def udp() -> None:
    async with await accord.create_udp_socket(local_host=IPv4Address(1)) as sock:
        assert_type(sock, UDPSocket)
        assert_type(await sock.receive(), UDPPacketType)
        await sock.sendto(memoryview(b"data"), IPv4Address(1), 9)
        await sock.send((b"data", ("::1", 9)))
        await sock.send(b"data")  # type: ignore[arg-type]
        takes_packets(sock)
        takes_any_stream(sock)
        assert_type(sock.extra(SocketAttribute.local_port), int)
    async with await accord.create_connected_udp_socket("localhost", 9, family=socket.AF_INET6) as connected:
        assert_type(connected, ConnectedUDPSocket)
        await connected.send(bytearray(b"data"))
        takes_data(connected)
        async for data in connected:
            assert_type(data, bytes)
    assert_type(await UDPSocket.from_socket(5), UDPSocket)


async def unix() -> None:
    async with await accord.connect_unix(b"path", socket.SOCK_SEQPACKET) as stream:
        assert_type(stream, UNIXSocketStream)
        takes_bytes(stream)
        await stream.send_fds(b"data", [5, open("file")])  # noqa: ASYNC230, PTH123, SIM115
        await stream.send_fds(b"data", ["file"])  # type: ignore[list-item]
        assert_type(await stream.receive_fds(100, 1), tuple[bytes, list[int]])
    await accord.connect_unix("path", socket.SOCK_DGRAM)  # type: ignore[arg-type]
    listener = await accord.create_unix_listener(Path("path"), mode=0o600)
    takes_listener(listener)
    assert_type(await listener.accept(), UNIXSocketStream)
    assert_type(await UNIXSocketStream.from_socket(5), UNIXSocketStream)
    async with await accord.create_unix_datagram_socket(local_path="path") as sock:
        assert_type(sock, UNIXDatagramSocket)
        assert_type(await sock.receive(), UNIXDatagramPacketType)
        await sock.sendto(b"data", Path("path"))
    async with await accord.create_connected_unix_datagram_socket("path") as connected:
        assert_type(connected, ConnectedUNIXDatagramSocket)
        takes_data(connected)


async def addresses() -> None:
    for family, kind, _proto, name, address in await accord.getaddrinfo("localhost", "http"):
        assert_type(family, socket.AddressFamily)
        assert_type(kind, socket.SocketKind)
        assert_type(name, str)
        assert_type(address, IPSockAddrType)
    assert_type(await accord.getnameinfo(("::1", 80)), tuple[str, str])


async def descriptors(sock: socket.socket) -> None:
    await accord.wait_readable(sock)
    await accord.wait_writable(sock.fileno())
    await accord.wait_writable("5")  # type: ignore[arg-type]
    accord.notify_closing(sock)


def takes_packets(stream: UnreliableObjectStream[UDPPacketType]) -> None:
    """Any datagram socket that talks with many."""


def takes_data(stream: UnreliableObjectStream[bytes]) -> None:
    """Any datagram socket that talks with one."""


def takes_any_stream(stream: ObjectReceiveStream[object] | ObjectSendStream[UDPPacketType]) -> None:
    """Any stream of objects."""


def takes_bytes(stream: ByteStream) -> None:
    """Any stream of bytes."""


def takes_listener(listener: Listener[UNIXSocketStream]) -> None:
    """Any listener for UNIX sockets."""
