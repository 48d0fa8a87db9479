"""A server that asks its client for a certificate in the middle of everything, and so demands an answer."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from accord.streams.tls import TLSStream

from .pairs import Peer, as_client, authority, below, both, client_context, server_context, transports


class Asking(Peer):
    """A server that asks for the client's certificate when it is told to."""

    def question(self, data: bytes) -> bytes:
        """Return the records of the request, followed by data."""
        self.tls.verify_client_post_handshake()
        self.tls.write(data)
        return self.outgoing.read()

    def knows(self) -> bool:
        """Whether the whole certificate has come."""
        try:
            return self.tls.getpeercert() is not None
        except ValueError:  # a part of it
            return False

    async def get_to_know(self) -> None:
        """Receive until the certificate has come."""
        while not self.knows():
            self.incoming.write(await self.transport.receive())
            with pytest.raises(ssl.SSLWantReadError):
                self.tls.read()
        await self.flush()


@asynccontextmanager
async def asking() -> AsyncGenerator[tuple[TLSStream, Asking]]:
    """A client's stream and a peer that will ask it for its certificate."""
    contexts = client_context(), server_context()
    authority().issue_cert("someone@server.example").configure_cert(contexts[0])
    authority().configure_trust(contexts[1])
    contexts[1].verify_mode = ssl.CERT_REQUIRED
    for context in contexts:
        context.post_handshake_auth = True
    async with transports() as (near, far):
        peer = Asking(far, contexts[1])
        stream, _ = await both(as_client(near, ssl_context=contexts[0], shutdown_timeout=0.05), peer.shake_hands)
        assert not peer.knows()
        yield stream, peer


async def fill_up(stream: TLSStream) -> None:
    """Let nothing fit into the transport any more, as if the peer took its time."""
    direction = below(stream)._outgoing
    await stream.send(b"before")
    direction.max_size = len(direction.buffer)
