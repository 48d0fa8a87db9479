"""Typed attributes of TLS streams."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

import accord
from accord.streams.tls import TLSAttribute
from accord.testing import MemoryByteStream
from accord_conformance.helpers import rule

from .pairs import (
    NAME,
    as_client,
    as_server,
    both,
    client_context,
    let_go,
    server_context,
    transports,
)


@rule("TLS-22")
async def test_attributes() -> None:
    """A stream has the attributes of TLS and of its transport, until it is closed."""
    marker: int = accord.typed_attribute()
    async with transports(attributes={marker: 5}) as (near, far):
        contexts = client_context(), server_context()
        for context, protocols in zip(contexts, (["h2", "http/1.1"], ["http/1.1"]), strict=True):
            context.set_alpn_protocols(protocols)
        client, server = await both(
            as_client(near, ssl_context=contexts[0], standard_compatible=False), as_server(far, ssl_context=contexts[1])
        )
        for stream in (client, server):
            assert stream.extra(marker) == 5
            assert stream.extra(TLSAttribute.alpn_protocol) == "http/1.1"
            assert stream.extra(TLSAttribute.tls_version) == "TLSv1.3"
            name, version, bits = stream.extra(TLSAttribute.cipher)
            assert name.startswith("TLS_")
            assert (version, bits >= 128) == ("TLSv1.3", True)
            assert isinstance(stream.extra(TLSAttribute.ssl_object), ssl.SSLObject)
            with pytest.raises(accord.TypedAttributeLookupError):
                stream.extra(accord.abc.SocketAttribute.local_port)
        assert client.extra(TLSAttribute.standard_compatible) is False
        assert server.extra(TLSAttribute.standard_compatible) is True
        assert client.extra(TLSAttribute.peer_certificate)["subjectAltName"] == (("DNS", NAME),)
        assert client.extra(TLSAttribute.peer_certificate_binary)[:1] == b"0"
        assert server.extra(TLSAttribute.peer_certificate) is None
        assert server.extra(TLSAttribute.peer_certificate_binary) is None
        assert client.extra(TLSAttribute.shared_ciphers) is None
        assert server.extra(TLSAttribute.cipher)[0] in [
            cipher[0] for cipher in server.extra(TLSAttribute.shared_ciphers)
        ]
        await let_go(client)
        with pytest.raises(accord.ClosedResourceError):
            client.extra(TLSAttribute.tls_version)


@rule("TLS-22")
async def test_channel_binding() -> None:
    """TLS 1.2 has the channel binding tls-unique, the same on both sides."""
    async with transports() as (near, far):
        client, server = await both(
            as_client(near, ssl_context=client_context(ssl.TLSVersion.TLSv1_2)),
            as_server(far),
        )
        binding = client.extra(TLSAttribute.channel_binding_tls_unique)
        assert binding
        assert server.extra(TLSAttribute.channel_binding_tls_unique) == binding


@rule("TLS-22")
async def test_transport_without_attributes() -> None:
    """The transport need not have typed attributes."""

    class Plain:
        def __init__(self, stream: MemoryByteStream) -> None:
            self.receive, self.send, self.aclose = stream.receive, stream.send, stream.aclose

    async with transports() as (near, far):
        plain: Any = Plain(near)
        client, server = await both(as_client(plain), as_server(far))
        assert client.extra(TLSAttribute.tls_version) == "TLSv1.3"
        await client.send(b"x")
        assert await server.receive() == b"x"
