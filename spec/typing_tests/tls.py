"""What type checkers infer for TLS; checked, never run."""

from __future__ import annotations

import ssl
from typing import assert_type

import accord
from accord.abc import ByteStream, Listener, SocketAttribute
from accord.streams.tls import TLSAttribute, TLSListener, TLSStream


async def client(transport: ByteStream) -> None:
    stream = await TLSStream.wrap(transport, hostname="example.org")
    assert_type(stream, TLSStream)
    takes_byte_stream(stream)
    assert_type(await stream.receive(100), bytes)
    await stream.send(bytearray(b"data"))
    await stream.send("text")  # type: ignore[arg-type]
    async for chunk in stream:
        assert_type(chunk, bytes)
    assert_type(stream.extra(TLSAttribute.alpn_protocol), str | None)
    assert_type(stream.extra(TLSAttribute.cipher), tuple[str, str, int])
    assert_type(stream.extra(TLSAttribute.channel_binding_tls_unique), bytes | None)
    assert_type(stream.extra(TLSAttribute.peer_certificate_binary), bytes | None)
    assert_type(stream.extra(TLSAttribute.server_side), bool)
    assert_type(stream.extra(TLSAttribute.shared_ciphers), list[tuple[str, str, int]] | None)
    assert_type(stream.extra(TLSAttribute.ssl_object), ssl.SSLObject)
    assert_type(stream.extra(TLSAttribute.standard_compatible), bool)
    assert_type(stream.extra(TLSAttribute.tls_version), str)
    assert_type(stream.extra(TLSAttribute.tls_version, None), str | None)
    assert_type(stream.extra(SocketAttribute.remote_port), int)
    assert_type(await stream.unwrap(), tuple[ByteStream, bytes])
    await TLSStream.wrap("no stream", hostname="example.org")  # type: ignore[arg-type]


def takes_byte_stream(stream: ByteStream) -> None:
    """Any stream of bytes."""


def takes_listener(listener: Listener[TLSStream]) -> None:
    """Any listener for TLS."""


async def server(context: ssl.SSLContext) -> None:
    listener = TLSListener(await accord.create_tcp_listener(), context, handshake_timeout=5)
    takes_listener(listener)
    await listener.serve(handle)
    await listener.serve(takes_text)  # type: ignore[arg-type]
    async with accord.create_task_group() as group:
        await listener.serve(handle, group, on_error="raise")


async def handle(stream: TLSStream) -> None:
    await stream.aclose()


async def takes_text(stream: str) -> None:
    """No handler for a TLS stream."""
