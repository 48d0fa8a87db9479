"""Answers that TLS owes in the middle of everything: a server may ask for a certificate at any time."""

from __future__ import annotations

from functools import partial

import pytest

import accord
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, rule, settle
from accord_conformance.suite.networking.pairs import pattern

from .asking import asking, fill_up
from .pairs import both


@rule("TLS-17")
async def test_answer_of_a_receiver() -> None:
    """A task that only receives sends the certificate that it is asked for."""
    async with asking() as (stream, peer):
        async with accord.create_task_group() as group:
            receiver = await blocked(group, stream.receive)
            await peer.transport.send(peer.question(b"who are you?"))
            await receiver.handle.wait()
            assert receiver.value == b"who are you?"
            receiver = await blocked(group, stream.receive)
            with accord.fail_after(PATIENCE):
                await peer.get_to_know()
            await peer.send(b"welcome")
        assert receiver.value == b"welcome"


@rule("TLS-17")
async def test_answer_of_a_sender() -> None:
    """If the task that was asked sends next, the answer goes along."""
    async with asking() as (stream, peer):
        await peer.transport.send(peer.question(b"who are you?"))
        assert await stream.receive() == b"who are you?"
        await stream.send(b"me")
        assert await peer.receive() == b"me"
        assert peer.knows()


@rule("TLS-17")
async def test_receiver_does_not_wait_for_a_sender() -> None:
    """With a peer that reads nothing the sender blocks, and data is still received; the answer goes along later."""
    data = pattern(1_000_000)
    async with asking() as (stream, peer), accord.create_task_group() as group:
        sender = await blocked(group, partial(stream.send, data))
        receiver = await blocked(group, stream.receive)
        await peer.transport.send(peer.question(b"who are you?"))
        await receiver.handle.wait()
        assert receiver.value == b"who are you?"
        receiver = await blocked(group, stream.receive)
        await peer.send(b"and what do you want?")
        with accord.fail_after(PATIENCE):
            await receiver.handle.wait()
        assert receiver.value == b"and what do you want?"
        received = bytearray()
        while len(received) < len(data):
            received += await peer.receive()
        assert received == data
        await sender.handle.wait()
        assert sender.outcome == "returned"
        await stream.send(b"end")
        assert await peer.receive() == b"end"
        assert peer.knows()


@rule("TLS-17", "TLS-7")
async def test_cancelled_while_it_answers() -> None:
    """A receiver that is cancelled in the middle of an answer leaves no broken stream behind."""
    async with asking() as (stream, peer), accord.create_task_group() as group:
        await fill_up(stream)
        await peer.transport.send(peer.question(b"who are you?"))
        assert await stream.receive() == b"who are you?"
        receiver = await blocked(group, stream.receive)
        receiver.cancel()
        await settle()
        assert await peer.receive() == b"before"
        await peer.get_to_know()
        await receiver.handle.wait()
        assert receiver.outcome == "cancelled"
        await both(partial(stream.send, b"intact"), peer.receive)
        await peer.send(b"data")
        assert await stream.receive() == b"data"


@rule("TLS-17", "TLS-16")
@pytest.mark.parametrize("cancelled", [False, True])
async def test_sender_waits_for_an_answer(cancelled: bool) -> None:
    """While a receiver sends an answer a sender waits; cancelled then it has no effect."""
    async with asking() as (stream, peer), accord.create_task_group() as group:
        await fill_up(stream)
        await peer.transport.send(peer.question(b"who are you?"))
        assert await stream.receive() == b"who are you?"
        receiver = await blocked(group, stream.receive)
        sender = await blocked(group, partial(stream.send, b"after the answer"))
        if cancelled:
            sender.cancel()
            await sender.handle.wait()
        assert await peer.receive() == b"before"
        if not cancelled:
            assert await peer.receive() == b"after the answer"
        else:
            await peer.get_to_know()
        assert peer.knows()
        await sender.handle.wait()
        assert sender.outcome == ("cancelled" if cancelled else "returned")
        await peer.send(b"data")
        await receiver.handle.wait()
        assert receiver.value == b"data"


@rule("TLS-17", "TLS-14", "TLS-13")
async def test_closed_while_it_answers() -> None:
    """Closing wakes a receiver that can't get rid of its answer, and a sender behind it."""
    async with asking() as (stream, peer):
        async with accord.create_task_group() as group:
            await fill_up(stream)
            await peer.transport.send(peer.question(b"who are you?"))
            assert await stream.receive() == b"who are you?"
            receiver = await blocked(group, stream.receive)
            sender = await blocked(group, partial(stream.send, b"x"))
            with accord.fail_after(PATIENCE):
                await stream.aclose()
        assert type(receiver.error) is accord.ClosedResourceError
        assert type(sender.error) is accord.ClosedResourceError
