"""Connectables as values: how they are made, compared and shown. Nothing here connects to a network."""

from __future__ import annotations

import ssl
from dataclasses import FrozenInstanceError
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import TCPConnectable, UNIXConnectable
from accord.net.connectables import TLSConnectable
from accord.streams.buffered import BufferedByteStream, BufferedConnectable
from accord.streams.text import TextConnectable, TextStream
from accord.testing import MemoryByteStream, memory_byte_stream_pair
from accord_conformance.helpers import rule

PLACE = TCPConnectable("host", 80)


class InMemory:
    """A connectable in memory, which keeps the other ends."""

    def __init__(self) -> None:
        self.peers: list[MemoryByteStream] = []

    async def connect(self) -> MemoryByteStream:
        """Make a pair and return one end."""
        near, far = memory_byte_stream_pair()
        self.peers.append(far)
        return near


@rule("CONN-4")
def test_addresses() -> None:
    """Each form of address becomes a connectable of its kind."""
    assert accord.as_connectable(("host", 80)) == PLACE
    assert accord.as_connectable((IPv4Address("10.0.0.1"), 80)) == TCPConnectable(IPv4Address("10.0.0.1"), 80)
    for path in ("/a/b", b"/a/b", Path("/a/b"), "\0name"):
        assert accord.as_connectable(path) == UNIXConnectable(path)
    for connectable in (PLACE, UNIXConnectable("/a"), InMemory()):
        assert accord.as_connectable(connectable) is connectable


@rule("CONN-4")
@pytest.mark.parametrize(
    "wrong",
    [
        5,
        None,
        ("host",),
        ("host", 80, 1),
        ("host", "80"),
        ("host", 0),
        ("host", 65536),
        ("host", True),
        ("", 80),
        (b"host", 80),
        "",
        "a\0b",
        InMemory,
        IPv4Address("10.0.0.1"),
        ["host", 80],
    ],
)
def test_what_is_no_address(wrong: Any) -> None:
    """Everything else is refused at once."""
    with pytest.raises((TypeError, ValueError)):
        accord.as_connectable(wrong)


@rule("CONN-1")
@pytest.mark.parametrize(
    ("host", "port", "error"),
    [
        ("host", 0, ValueError),
        ("host", 65536, ValueError),
        ("host", -1, ValueError),
        ("host", "80", TypeError),
        ("host", True, TypeError),
        ("", 80, ValueError),
        ("a b", 80, ValueError),
        (None, 80, TypeError),
    ],
)
def test_wrong_places(host: Any, port: Any, error: type[Exception]) -> None:
    """What is no host or port is refused when the connectable is made."""
    with pytest.raises(error):
        TCPConnectable(host, port)


@rule("CONN-2")
@pytest.mark.parametrize(("path", "error"), [("", ValueError), ("a\0b", ValueError), (5, TypeError), (None, TypeError)])
def test_wrong_paths(path: Any, error: type[Exception]) -> None:
    """What is no path is refused when the connectable is made."""
    with pytest.raises(error):
        UNIXConnectable(path)


@rule("CONN-3")
def test_names_for_certificates() -> None:
    """Without a name to check a certificate for, TLS can be had only with a context that checks none."""
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname = False
    assert TLSConnectable(PLACE).hostname is None
    for connectable in (UNIXConnectable("/a"), InMemory()):
        with pytest.raises(ValueError, match="hostname"):
            TLSConnectable(connectable)
        with pytest.raises(ValueError, match="hostname"):
            TLSConnectable(connectable, ssl_context=ssl.create_default_context())
        with pytest.raises(ValueError, match="hostname"):
            accord.as_connectable(connectable, tls=True)
        assert TLSConnectable(connectable, ssl_context=unchecked).hostname is None
        assert TLSConnectable(connectable, hostname="name").hostname == "name"


@rule("CONN-5")
def test_tls_is_never_left_out() -> None:
    """With tls=True or a TLS argument there is TLS over whatever was passed."""
    context = ssl.create_default_context()
    memory = InMemory()
    remotes: list[Any] = [("host", 80), PLACE, "/a", memory]
    for remote in remotes:
        plain = accord.as_connectable(remote)
        given: list[dict[str, Any]] = [
            {"tls": True, "tls_hostname": "name"},
            {"tls_hostname": "name"},
            {"ssl_context": context, "tls_hostname": "name", "tls_standard_compatible": False},
        ]
        for arguments in given:
            expected = TLSConnectable(
                plain,
                hostname="name",
                ssl_context=arguments.get("ssl_context"),
                standard_compatible=arguments.get("tls_standard_compatible", True),
            )
            assert accord.as_connectable(remote, **arguments) == expected
        for contradiction in ({"ssl_context": context}, {"tls_hostname": "name"}):
            wrong: dict[str, Any] = contradiction
            with pytest.raises(ValueError, match="tls=False"):
                accord.as_connectable(remote, tls=False, **wrong)
        assert accord.as_connectable(remote, tls=False) == plain
    assert accord.as_connectable(PLACE, tls=True) == TLSConnectable(PLACE)
    assert accord.as_connectable(PLACE, ssl_context=context) == TLSConnectable(PLACE, ssl_context=context)
    not_a_bool: Any = "yes"
    with pytest.raises(TypeError):
        accord.as_connectable(PLACE, tls=not_a_bool)


@rule("CONN-6")
async def test_wrapping_connectables() -> None:
    """What the inner one gives comes buffered, or as text."""
    memory = InMemory()
    async with await BufferedConnectable(memory).connect() as buffered:
        assert isinstance(buffered, BufferedByteStream)
        await memory.peers[-1].send(b"line\nrest")
        assert await buffered.receive_until(b"\n", 100) == b"line"
    async with await TextConnectable(memory, encoding="ascii", errors="replace").connect() as text:
        assert isinstance(text, TextStream)
        await memory.peers[-1].send(b"a\xff")
        assert await text.receive() == "a\ufffd"
    async with await TextConnectable(memory).connect() as text:
        await text.send("ä")
        assert await memory.peers[-1].receive() == b"\xc3\xa4"
    for peer in memory.peers:
        await peer.aclose()
    with pytest.raises(LookupError):
        TextConnectable(memory, encoding="none")


@rule("CONN-7")
def test_values() -> None:
    """Connectables are equal if their parts are, can be keys, can't be changed, and show what they are."""
    context, other = ssl.create_default_context(), ssl.create_default_context()
    different: list[Any] = [
        TCPConnectable("host", 80),
        TCPConnectable("host", 81),
        TCPConnectable("other", 80),
        UNIXConnectable("/a"),
        UNIXConnectable("/b"),
        TLSConnectable(PLACE),
        TLSConnectable(PLACE, hostname="name"),
        TLSConnectable(PLACE, ssl_context=context),
        TLSConnectable(PLACE, ssl_context=other),
        TLSConnectable(PLACE, standard_compatible=False),
        BufferedConnectable(PLACE),
        TextConnectable(PLACE),
        TextConnectable(PLACE, encoding="ascii"),
    ]
    assert len(set(different)) == len(different)
    assert TLSConnectable(TCPConnectable("host", 80), ssl_context=context) in different
    assert BufferedConnectable(TCPConnectable("host", 80)) in different
    for connectable in different:
        assert " at 0x" not in repr(connectable)
        for name in ("host", "path", "connectable"):
            if hasattr(connectable, name):
                with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
                    setattr(connectable, name, None)
    assert repr(PLACE) == "TCPConnectable(host='host', port=80)"
    assert "UNIXConnectable(path='/a')" in repr(TLSConnectable(UNIXConnectable("/a"), hostname="name"))
