"""The handshake: which side, whose name, which context, and how it fails."""

from __future__ import annotations

import ssl
from functools import partial
from typing import Any

import idna
import pytest

from accord.streams.tls import TLSAttribute, TLSStream
from accord.testing import MemoryByteStream
from accord_conformance.helpers import rule

from .pairs import (
    NAME,
    Peer,
    as_client,
    as_server,
    authority,
    both,
    client_context,
    connected,
    ended,
    server_context,
    transports,
)


async def _is_untouched(near: MemoryByteStream, far: MemoryByteStream) -> bool:
    """Whether nothing was sent on ``near``, and it is still open."""
    await near.send(b"plain")
    return await far.receive() == b"plain"


@rule("TLS-1")
@pytest.mark.parametrize("max_receive", [None, 1, 7])
async def test_data_goes_both_ways(max_receive: int | None) -> None:
    """After the handshake data arrives, also over a transport that cuts it into small pieces."""
    async with connected(max_receive=max_receive) as (client, server):
        await client.send(b"question")
        assert await server.receive() == b"question"
        await server.send(b"answer")
        assert await client.receive() == b"answer"
        assert client.extra(TLSAttribute.server_side) is False
        assert server.extra(TLSAttribute.server_side) is True


@rule("TLS-1")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("server_side", [False, True])
async def test_versions(version: ssl.TLSVersion, server_side: bool) -> None:
    """Each side speaks both versions with a peer that is another implementation, and what goes over is encrypted."""
    async with transports() as (near, far):
        if server_side:
            peer = Peer(far, client_context(version), NAME)
            wrap = as_server(near)
        else:
            context = server_context()
            context.maximum_version = version
            peer, wrap = Peer(far, context), as_client(near)
        stream, _ = await both(wrap, peer.shake_hands)
        assert stream.extra(TLSAttribute.tls_version) == version.name.replace("_", ".")
        await stream.send(b"a secret")
        encrypted = await far.receive()
        assert b"secret" not in encrypted
        peer.incoming.write(encrypted)
        assert await peer.receive() == b"a secret"
        await peer.send(b"another")
        assert await stream.receive() == b"another"


@rule("TLS-1")
async def test_tls_on_tls() -> None:
    """A TLS stream is a transport for another."""
    async with connected() as (outer_client, outer_server):
        client, server = await both(as_client(outer_client), as_server(outer_server))
        await client.send(b"wrapped twice")
        assert await server.receive() == b"wrapped twice"


@rule("TLS-2")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ssl_context": "client"},
        {"ssl_context": "client", "hostname": ""},
        {"hostname": ""},
        {"server_side": False},
        {"server_side": False, "ssl_context": "client"},
        {"server_side": True},
        {"server_side": True, "ssl_context": "server", "hostname": NAME},
        {"server_side": True, "ssl_context": "client"},
        {"server_side": False, "ssl_context": "server", "hostname": NAME},
        {"ssl_context": "server", "hostname": NAME},
        {"hostname": NAME, "shutdown_timeout": -1.0},
        {"hostname": NAME, "shutdown_timeout": float("nan")},
    ],
    ids=str,
)
async def test_arguments_that_do_not_fit(options: dict[str, Any]) -> None:
    """A ValueError for what can be neither a client nor a server; the transport is untouched."""
    await _assert_refused(options, ValueError)


@rule("TLS-2")
@pytest.mark.parametrize(
    "options",
    [
        {"hostname": b"server.example"},
        {"hostname": NAME, "server_side": 0},
        {"hostname": NAME, "ssl_context": True},
        {"hostname": NAME, "standard_compatible": 1},
        {"hostname": NAME, "standard_compatible": None},
        {"hostname": NAME, "shutdown_timeout": "1"},
        {"hostname": NAME, "shutdown_timeout": None},
    ],
    ids=str,
)
async def test_arguments_of_the_wrong_type(options: dict[str, Any]) -> None:
    """A TypeError for values of the wrong type; the transport is untouched."""
    await _assert_refused(options, TypeError)


async def _assert_refused(options: dict[str, Any], error: type[Exception]) -> None:
    contexts = {"client": client_context(), "server": server_context()}
    if options.get("ssl_context") in contexts:
        options = {**options, "ssl_context": contexts[options["ssl_context"]]}
    async with transports() as (near, far):
        with pytest.raises(error) as caught:
            await TLSStream.wrap(near, **options)
        assert type(caught.value) is error
        assert any(name in str(caught.value) for name in (*options, "hostname", "ssl_context")), (
            f"no argument is named: {caught.value}"
        )
        assert await _is_untouched(near, far)


@rule("TLS-2")
async def test_side_by_default() -> None:
    """Without server_side a context for servers only makes a server, and a host name a client."""
    async with transports() as (near, far):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority().issue_cert(NAME).configure_cert(context)
        server, client = await both(
            partial(TLSStream.wrap, near, ssl_context=context),
            partial(TLSStream.wrap, far, ssl_context=client_context(), hostname=NAME),
        )
        assert server.extra(TLSAttribute.server_side) is True
        assert client.extra(TLSAttribute.server_side) is False


@rule("TLS-2", "TLS-3")
@pytest.mark.parametrize("hostname", [None, ""])
async def test_client_without_a_name(hostname: str | None) -> None:
    """With check_hostname off in its own context a client does without the name, and still verifies the certificate."""
    context = client_context()
    context.check_hostname = False
    async with transports() as (near, far):
        client, _server = await both(as_client(near, hostname=hostname, ssl_context=context), as_server(far))
        assert client.extra(TLSAttribute.server_side) is False
        assert client.extra(TLSAttribute.peer_certificate)["subjectAltName"] == (("DNS", NAME),)
    async with transports() as (near, far):
        stranger = ssl.create_default_context()
        stranger.check_hostname = False
        client_attempt, _ = await ended(as_client(near, hostname=hostname, ssl_context=stranger), as_server(far))
        assert type(client_attempt.error) is ssl.SSLCertVerificationError


@rule("TLS-3")
async def test_own_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's own context asks for certificates that fit the name, and for TLS 1.2 at least."""
    made: list[ssl.SSLContext] = []
    original = ssl.create_default_context

    def create() -> ssl.SSLContext:
        made.append(original())
        made[0].minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        authority().configure_trust(made[0])
        return made[0]

    monkeypatch.setattr(ssl, "create_default_context", create)
    async with transports() as (near, far):
        client, _server = await both(as_client(near, ssl_context=None), as_server(far))
        context = client.extra(TLSAttribute.ssl_object).context
        assert context is made[0]
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@rule("TLS-3")
async def test_contexts_of_the_caller_are_left_alone() -> None:
    """Wrapping, talking and closing change nothing in the contexts of the caller."""

    def look(context: ssl.SSLContext) -> tuple[object, ...]:
        return (
            context.options,
            context.verify_mode,
            context.verify_flags,
            context.check_hostname,
            context.minimum_version,
            context.maximum_version,
        )

    contexts = client_context(), server_context()
    for context in contexts:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    before = [look(context) for context in contexts]
    async with transports() as (near, far):
        client, server = await both(as_client(near, ssl_context=contexts[0]), as_server(far, ssl_context=contexts[1]))
        await client.send(b"x")
        await server.receive()
        await both(client.aclose, server.aclose)
        assert [look(context) for context in contexts] == before


@rule("TLS-4")
@pytest.mark.parametrize(
    ("hostname", "issued"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("BÜCHER.example", idna.encode("bücher.example").decode()),
        ("faß.example.", "xn--fa-hia.example"),
        ("server.example.", "server.example"),
        ("SERVER.example", "server.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("fe80::1%lo", "fe80::1"),
    ],
)
async def test_names_of_hosts(hostname: str, issued: str) -> None:
    """The certificate is checked for the encoded name, which is also what the server is asked for."""
    asked: list[str | None] = []

    def note(tls: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        asked.append(name)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(issued).configure_cert(context)
    context.sni_callback = note
    async with transports() as (near, far):
        _client, _server = await both(as_client(near, hostname=hostname), as_server(far, ssl_context=context))
        name = {"127.0.0.1": None, "::1": None, "fe80::1": None}.get(issued, issued)
        assert [asked_name and asked_name.lower() for asked_name in asked] == [name]


@rule("TLS-4", "TLS-2")
@pytest.mark.parametrize(
    "hostname",
    [".", "a..example", ".example", "a b.example", "\x00.example", "a" * 64, "\uff41..example", "\u200b", "-ä"],
)
async def test_what_is_no_name(hostname: str) -> None:
    """What can't be the name of a host is a ValueError before anything is sent."""
    async with transports() as (near, far):
        with pytest.raises(ValueError, match="hostname") as caught:
            await TLSStream.wrap(near, hostname=hostname, ssl_context=client_context())
        assert type(caught.value) is ValueError
        assert await _is_untouched(near, far)


@rule("TLS-1", "TLS-22")
async def test_certificates_of_clients() -> None:
    """A server that asks for a certificate gets it and knows who is there."""
    contexts = client_context(), server_context()
    authority().issue_cert("someone@server.example").configure_cert(contexts[0])
    authority().configure_trust(contexts[1])
    contexts[1].verify_mode = ssl.CERT_REQUIRED
    async with transports() as (near, far):
        _client, server = await both(as_client(near, ssl_context=contexts[0]), as_server(far, ssl_context=contexts[1]))
        assert server.extra(TLSAttribute.peer_certificate)["subjectAltName"] == (("email", "someone@server.example"),)


@rule("TLS-1")
async def test_data_that_comes_with_the_handshake() -> None:
    """Data that the peer sends together with the end of its handshake is not lost."""
    async with transports() as (near, far):
        peer = Peer(far, client_context(), NAME)

        async def shake_hands_and_send() -> None:
            while True:
                try:
                    peer.tls.do_handshake()
                except ssl.SSLWantReadError:
                    await peer.flush()
                    peer.incoming.write(await far.receive())
                else:
                    break
            peer.tls.write(b"early")
            await peer.flush()

        server, _ = await both(as_server(near), shake_hands_and_send)
        assert await server.receive() == b"early"
