"""A small HTTP/1.1 server: h11 speaks the protocol, accord moves the bytes.

    python docs/examples/h11_server.py [--backend NAME] [--port N] [--certificate FILE]

It answers every request with its method, target and the length of the body that came with it, keeps connections open
as the client asks, and speaks TLS if it is given a certificate (a PEM file with the key in it). Only accord's portable
API is used, so that it runs on every backend. Needs `pip install accord[http]`.
"""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Iterable

import h11

import accord
from accord.abc import ByteStream, SocketAttribute
from accord.streams.tls import TLSListener

MAX_CHUNK = 65536
IDLE_SECONDS = 30


async def next_event(stream: ByteStream, connection: h11.Connection) -> h11.Event | type[h11.PAUSED]:
    """Return what the client says next, reading as much as is needed for it."""
    while True:
        event = connection.next_event()
        if event is not h11.NEED_DATA:
            assert not isinstance(event, type) or event is h11.PAUSED
            return event
        if connection.they_are_waiting_for_100_continue:
            await send(stream, connection, [h11.InformationalResponse(status_code=100, headers=[])])
        try:
            connection.receive_data(await stream.receive(MAX_CHUNK))
        except accord.EndOfStream:
            connection.receive_data(b"")


async def send(stream: ByteStream, connection: h11.Connection, events: Iterable[h11.Event]) -> None:
    """Send events in one piece, so that a small answer is one packet."""
    await stream.send(b"".join([connection.send(event) or b"" for event in events]))


async def answer(stream: ByteStream, connection: h11.Connection, status: int, body: bytes) -> None:
    """Send a whole response."""
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    response = h11.Response(status_code=status, headers=headers)
    await send(stream, connection, [response, h11.Data(data=body), h11.EndOfMessage()])


async def serve_request(stream: ByteStream, connection: h11.Connection) -> bool:
    """Serve one request; return whether there may be another on the connection."""
    request: h11.Request | None = None
    length = 0
    while True:
        event = await next_event(stream, connection)
        if isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            length += len(event.data)
        elif isinstance(event, h11.EndOfMessage):
            break
        else:  # the connection is closed, or the client wants another protocol
            return False
    assert request is not None
    text = f"{request.method.decode()} {request.target.decode()} with {length} bytes\n"
    await answer(stream, connection, 200, text.encode())
    if connection.our_state is h11.MUST_CLOSE:
        return False
    connection.start_next_cycle()
    return True


async def serve_client(stream: ByteStream) -> None:
    """Serve the requests of one connection."""
    connection = h11.Connection(h11.SERVER)
    async with stream:
        try:
            more = True
            while more:
                with accord.move_on_after(IDLE_SECONDS) as idle:
                    more = await serve_request(stream, connection)
                if idle.cancelled_caught:
                    return
        except h11.RemoteProtocolError as error:
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                await answer(stream, connection, error.error_status_hint, f"{error}\n".encode())
        except accord.BrokenResourceError:
            pass  # the client went away


async def main(port: int, certificate: str | None) -> None:
    """Listen and serve until interrupted."""
    listener = await accord.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    port = listener.extra(SocketAttribute.local_port)
    print(f"http{'s' if certificate else ''}://127.0.0.1:{port}", flush=True)
    if certificate is None:
        async with listener:
            await listener.serve(serve_client)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        async with TLSListener(listener, context, standard_compatible=False) as secure:
            await secure.serve(serve_client)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", help="asyncio, trio or another installed backend")
    parser.add_argument("--port", type=int, default=0, help="default: one that is free")
    parser.add_argument("--certificate", help="a PEM file with certificate and key, for TLS")
    options = parser.parse_args()
    try:
        accord.run(main, options.port, options.certificate, backend=options.backend)
    except KeyboardInterrupt:
        pass
