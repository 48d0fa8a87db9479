"""Handshakes that fail."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

import accord
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import PATIENCE, rule

from .pairs import as_client, as_server, authority, ended, is_closed, server_context, transports


@rule("TLS-3", "TLS-5")
async def test_unknown_authority() -> None:
    """A client's own context does not trust a certificate of somebody's making; the server gets the alert."""
    async with transports() as (near, far):
        client, server = await ended(as_client(near, ssl_context=None), as_server(far))
        assert type(client.error) is ssl.SSLCertVerificationError
        assert isinstance(server.error, ssl.SSLError), f"the server was not told: {server.error!r}"
        assert "ALERT" in str(server.error).upper()
        assert await is_closed(near)
        assert await is_closed(far)


@rule("TLS-3", "TLS-5")
async def test_wrong_name() -> None:
    """A certificate for another name is refused."""
    async with transports() as (near, far):
        client, _ = await ended(as_client(near, hostname="other.example"), as_server(far))
        assert type(client.error) is ssl.SSLCertVerificationError
        assert await is_closed(near)


@rule("TLS-5")
@pytest.mark.parametrize("make", [as_client, as_server])
async def test_connection_ends_in_the_handshake(make: Any) -> None:
    """BrokenResourceError if the peer goes away, whatever the mode; the transport is closed."""
    for standard_compatible in (True, False):
        async with transports() as (near, far):
            async with accord.create_task_group() as group:
                attempt = await blocked(group, make(near, standard_compatible=standard_compatible))
                await far.aclose()
            assert type(attempt.error) is accord.BrokenResourceError
            assert attempt.error.__suppress_context__ or attempt.error.__context__ is None
            assert await is_closed(near)


@rule("TLS-5")
@pytest.mark.parametrize("make", [as_client, as_server])
async def test_connection_breaks_in_the_handshake(make: Any) -> None:
    """BrokenResourceError if the connection breaks; the transport is closed."""
    async with transports() as (near, far):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, make(near))
            far.reset("the cable is cut")
        assert type(attempt.error) is accord.BrokenResourceError
        assert "the cable is cut" in str(attempt.error)
        assert await is_closed(near)


@rule("TLS-5")
@pytest.mark.parametrize("make", [as_client, as_server])
@pytest.mark.parametrize("message", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x03\x00\x05HELLO"])
async def test_what_comes_is_no_tls(make: Any, message: bytes) -> None:
    """An SSLError if the peer speaks something else; for what looks like TLS it gets an alert. Then it is over."""
    async with transports() as (near, far):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, make(near))
            if make is as_client:
                await far.receive()
            await far.send(message)
        assert isinstance(attempt.error, ssl.SSLError)
        if message[0] == 22:
            alert = await far.receive()
            assert alert[0] == 21, f"the answer is no alert: {alert!r}"
        with pytest.raises(accord.EndOfStream):
            await far.receive()
        assert await is_closed(near)


@rule("TLS-5")
@pytest.mark.parametrize("make", [as_client, as_server])
async def test_cancelled_handshake(make: Any) -> None:
    """A cancelled handshake closes the transport, whether it had begun or not."""
    for begun in (True, False):
        async with transports() as (near, _far):
            async with accord.create_task_group() as group:
                attempt = Attempt(group, make(near))
                if begun:
                    await accord.sleep(0.01)
                attempt.cancel()
            assert attempt.outcome == "cancelled"
            assert await is_closed(near)


@rule("TLS-5")
async def test_alert_that_nobody_takes() -> None:
    """A peer that takes no alert does not keep the failing handshake from ending."""
    async with transports(max_buffer_size=5) as (near, far):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, as_server(near))
            await far.send(b"\x16\x03\x03\x00\x05HELLO")
            with accord.fail_after(2 * PATIENCE):
                await attempt.handle.wait()
        assert isinstance(attempt.error, ssl.SSLError)
        assert await is_closed(near)


@rule("TLS-18", "TLS-5")
async def test_certificate_that_a_client_does_not_have() -> None:
    """A client learns in receive() that the server did not accept it, as TLS 1.3 would have it."""
    context = server_context()
    authority().configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    async with transports() as (near, far):
        client, server = await ended(as_client(near), as_server(far, ssl_context=context))
        assert isinstance(server.error, ssl.SSLError)
        assert await is_closed(far)
        assert client.outcome == "returned"
        with pytest.raises(accord.BrokenResourceError) as caught:
            await client.value.receive()
        assert isinstance(caught.value.__cause__, ssl.SSLError)
