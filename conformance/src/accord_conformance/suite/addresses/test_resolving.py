"""Asking the resolver: what it is asked, what comes back, and what it fails with."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

import accord
from accord.abc import SocketAttribute
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, checkpoint_class, is_cancelled_by, rule, untestable
from accord_conformance.suite.addresses.resolvers import Resolver
from accord_conformance.suite.udp.pairs import in_cancelled_scope

HOST = "127.0.0.1"
DATAGRAMS = socket.SOCK_DGRAM
CONNECTED = (DATAGRAMS, socket.IPPROTO_UDP)


def _loopback() -> tuple[str, int]:
    """The name and number of an interface."""
    if not socket.has_ipv6:
        untestable("this system has no IPv6")
    number, name = socket.if_nameindex()[0]
    return name, number


@rule("DNS-1")
async def test_everything_reaches_the_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """All arguments are passed on, and the answers come back in their order with addresses of two parts."""
    resolver = Resolver(monkeypatch)
    resolver.answer = [
        (socket.AF_INET6, DATAGRAMS, 17, "canonical", ("2001:db8::2", 99, 0, 0)),
        (socket.AF_INET, DATAGRAMS, 17, "", ("192.0.2.1", 99)),
        (socket.AF_INET6, DATAGRAMS, 17, "", ("2001:db8::1", 99, 0, 0)),
    ]
    found = await accord.getaddrinfo(
        "name.example", "service", family=socket.AF_INET, type=DATAGRAMS, proto=17, flags=socket.AI_CANONNAME
    )
    asked = ("name.example", "service", socket.AF_INET, DATAGRAMS, 17, socket.AI_CANONNAME)
    assert resolver.asked == [tuple(item if isinstance(item, str) else int(item) for item in asked)]
    assert found == [
        (socket.AF_INET6, DATAGRAMS, 17, "canonical", ("2001:db8::2", 99)),
        (socket.AF_INET, DATAGRAMS, 17, "", ("192.0.2.1", 99)),
        (socket.AF_INET6, DATAGRAMS, 17, "", ("2001:db8::1", 99)),
    ]
    for host, port in ((b"name.example", 1), (None, 2), ("name.example", None)):
        await accord.getaddrinfo(host, port)
    assert [asked[:2] for asked in resolver.asked[1:]] == [("name.example", 1), (None, 2), ("name.example", None)]


@rule("DNS-1")
@pytest.mark.parametrize("host", [HOST, IPv4Address(HOST), HOST.encode()])
async def test_numeric_addresses(host: Any) -> None:
    """A numeric address has one answer, itself."""
    found = await accord.getaddrinfo(host, 80, type=socket.SOCK_STREAM)
    assert found == [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (HOST, 80))]


@rule("DNS-2")
@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("under_score.example", "under_score.example"),
        ("name.example.", "name.example."),
    ],
)
async def test_encoding_of_names(monkeypatch: pytest.MonkeyPatch, name: str, encoded: str) -> None:
    """Names that are not ASCII are encoded by IDNA 2008, and others are left alone."""
    resolver = Resolver(monkeypatch)
    await accord.getaddrinfo(name, 80)
    assert [asked[0] for asked in resolver.asked] == [encoded]


@rule("DNS-2", needs=["readiness"])
async def test_encoding_of_names_to_connect_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations that connect encode the name in the same way."""
    resolver = Resolver(monkeypatch)
    resolver.answer = socket.gaierror(socket.EAI_NONAME, "no such name")
    for connect in (accord.connect_tcp, accord.create_connected_udp_socket):
        with pytest.raises(socket.gaierror):
            await connect("straße.example", 80)
    assert [asked[0] for asked in resolver.asked] == ["xn--strae-oqa.example"] * 2


@rule("DNS-3", "CKPT-6")
@pytest.mark.parametrize(
    "host",
    ["", "a..b", ".", "x" * 64 + ".example", ".".join(["x" * 50] * 6), "two words", "nul\0", "ü\u2028", "ßü\u2010"],
)
async def test_wrong_hosts(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """What can't be a host is a ValueError that names it, also in a cancelled scope; the resolver isn't asked."""
    resolver = Resolver(monkeypatch)
    with in_cancelled_scope():
        with pytest.raises(ValueError, match="host") as caught:
            await accord.getaddrinfo(host, 80)
    assert repr(host) in str(caught.value) or not host
    assert not resolver.asked


@rule("DNS-3", needs=["readiness"])
async def test_wrong_hosts_to_connect_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations that connect or bind refuse such a host in the same way, and name the argument."""
    resolver = Resolver(monkeypatch)
    for connect in (accord.connect_tcp, accord.create_connected_udp_socket):
        with pytest.raises(ValueError, match="remote_host"):
            await connect("a..b", 80)
    with pytest.raises(ValueError, match="local_host"):
        await accord.create_udp_socket(local_host="a..b")
    assert not resolver.asked


@rule("DNS-3")
@pytest.mark.parametrize(
    ("host", "port", "error"),
    [
        (1, 80, TypeError),
        (["x"], 80, TypeError),
        ("x", 80.0, TypeError),
        ("x", True, TypeError),
        ("x", -1, ValueError),
        ("x", 65536, ValueError),
        (b"\xff", 80, ValueError),
    ],
)
async def test_wrong_types(host: Any, port: Any, error: type[Exception]) -> None:
    """Hosts and ports of a wrong type or range are refused."""
    with pytest.raises(error):
        await accord.getaddrinfo(host, port)


@rule("DNS-4")
async def test_scopes_of_addresses() -> None:
    """A scope id is part of the host, by its name or number, and comes back by its name."""
    name, number = _loopback()
    for scope in (name, number):
        try:
            found = await accord.getaddrinfo(f"fe80::1%{scope}", 80, type=socket.SOCK_STREAM)
        except socket.gaierror:
            untestable("this system understands no scopes")
        assert [info[4] for info in found] == [(f"fe80::1%{name}", 80)]
    flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    assert await accord.getnameinfo((f"fe80::1%{name}", 80), flags) == (f"fe80::1%{name}", "80")
    assert await accord.getnameinfo((f"fe80::1%{number}", 80), flags) == (f"fe80::1%{name}", "80")


@rule("DNS-4")
async def test_scope_without_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scope id for which there is no interface is shown as its number."""
    resolver = Resolver(monkeypatch)
    resolver.answer = [(socket.AF_INET6, DATAGRAMS, 17, "", ("fe80::2", 5, 0, 987654))]
    assert [info[4] for info in await accord.getaddrinfo("name.example", 5)] == [("fe80::2%987654", 5)]


@rule("DNS-5")
async def test_errors_of_the_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the resolver raises comes out as it is, with a note about the host."""
    resolver = Resolver(monkeypatch)
    error = resolver.answer = socket.gaierror(socket.EAI_AGAIN, "try again")
    with pytest.raises(socket.gaierror) as caught:
        await accord.getaddrinfo("name.example", 80)
    assert caught.value is error
    assert error.args == (socket.EAI_AGAIN, "try again")
    assert ["name.example" in note for note in error.__notes__] == [True]


@rule("DNS-5", needs=["readiness"])
async def test_errors_of_the_resolver_when_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations that connect raise what the resolver says."""
    resolver = Resolver(monkeypatch)
    for connect in (
        partial(accord.connect_tcp, "name.example", 80),
        partial(accord.create_connected_udp_socket, "name.example", 80),
        partial(accord.create_udp_socket, local_host="name.example"),
    ):
        error = resolver.answer = socket.gaierror(socket.EAI_NONAME, "no such name")
        with pytest.raises(socket.gaierror) as caught:
            await connect()
        assert caught.value is error


@rule("DNS-6")
async def test_names_of_addresses() -> None:
    """getnameinfo() gives the names, or numbers where they are asked for."""
    flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    assert await accord.getnameinfo((HOST, 80), flags) == (HOST, "80")
    assert await accord.getnameinfo(("::1", 443), flags) == ("::1", "443")
    assert await accord.getnameinfo((HOST, 80)) == socket.getnameinfo((HOST, 80), 0)


@rule("DNS-6")
@pytest.mark.parametrize(
    ("address", "error"),
    [
        (("localhost", 80), ValueError),
        ((HOST, 65536), ValueError),
        ((HOST, "80"), TypeError),
        ((HOST,), TypeError),
        ([HOST, 80], TypeError),
        (HOST, TypeError),
        ((None, 80), TypeError),
    ],
)
async def test_wrong_addresses(address: Any, error: type[Exception]) -> None:
    """Anything but a pair of a numeric address and a port is refused."""
    with pytest.raises(error):
        await accord.getnameinfo(address)


@rule("DNS-7")
async def test_slow_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the resolver works other tasks run; a call that is cancelled ends at once, though the resolver does not."""
    resolver = Resolver(monkeypatch)
    resolver.go.clear()
    try:
        async with accord.create_task_group() as group:
            attempt = Attempt(group, partial(accord.getaddrinfo, "name.example", 80))
            with accord.fail_after(PATIENCE):
                while not resolver.busy.is_set():
                    await accord.sleep(0.001)
            attempt.cancel()
            with accord.fail_after(PATIENCE):
                await attempt.handle.wait()
            assert attempt.outcome == "cancelled"
            assert not resolver.go.is_set()
    finally:
        resolver.go.set()
    assert threading.get_ident() not in resolver.threads


@rule("DNS-7")
def test_classes(run: Callable[..., Any]) -> None:
    """The functions are checkpoints of class CY."""
    operations: list[Callable[[], Awaitable[object]]] = [
        partial(accord.getaddrinfo, HOST, 80),
        partial(accord.getnameinfo, (HOST, 80), socket.NI_NUMERICHOST),
    ]

    async def main() -> list[str]:
        return [await checkpoint_class(operation, operation) for operation in operations]

    assert run(main, checkpoint_budget=1) == ["CY", "CY"]


@rule("DNS-8", needs=["readiness"])
@pytest.mark.parametrize("host", [HOST, IPv4Address(HOST), "::1", IPv6Address("::1"), "::1%1"])
async def test_numeric_addresses_need_no_resolver(monkeypatch: pytest.MonkeyPatch, host: Any) -> None:
    """Binding and connecting to a numeric address asks no resolver and needs no worker thread."""
    resolver = Resolver(monkeypatch)
    resolver.answer = AssertionError("the resolver was asked")
    limiter = accord.to_thread.current_default_thread_limiter()
    limiter.total_tokens = 1
    limiter.acquire_on_behalf_of_nowait(limiter)
    try:
        with accord.fail_after(PATIENCE):
            try:
                server = await accord.create_udp_socket(local_host=host)
            except OSError:
                untestable("this system has no such address")
            async with server:
                port = server.extra(SocketAttribute.local_port)
                async with await accord.create_connected_udp_socket(host, port) as client:
                    await client.send(b"x")
                    assert (await server.receive())[0] == b"x"
            with pytest.raises(accord.ConnectionFailed):
                await accord.connect_tcp(host, port)
    finally:
        limiter.release_on_behalf_of(limiter)
    assert not resolver.asked


@rule("DNS-8", needs=["readiness"])
async def test_cancelled_before_an_address_is_used() -> None:
    """In a cancelled scope nothing is connected, though no resolver would be asked."""
    assert await is_cancelled_by(partial(accord.create_connected_udp_socket, HOST, 9))
