"""What every byte stream keeps, on those that need no sockets."""

from __future__ import annotations

import pytest

from accord_conformance.helpers import rule
from accord_conformance.suite.streams.kinds import IN_MEMORY, Kind, check_bytes

kinds = pytest.mark.parametrize("kind", IN_MEMORY, ids=str)


@rule("STREAM-1")
@kinds
async def test_arguments(kind: Kind) -> None:
    """Wrong arguments are refused before anything else is looked at."""
    await check_bytes("STREAM-1", kind)


@rule("STREAM-2")
@kinds
async def test_send_sends_everything(kind: Kind) -> None:
    """All bytes arrive in order, and a buffer may be changed afterwards."""
    await check_bytes("STREAM-2", kind)


@rule("STREAM-3")
@kinds
async def test_send_of_nothing(kind: Kind) -> None:
    """send(b"") is a checkpoint and fails on a closed stream."""
    await check_bytes("STREAM-3", kind)


@rule("STREAM-4")
@kinds
async def test_receive_returns_what_is_there(kind: Kind) -> None:
    """receive() returns what there is, up to max_bytes."""
    await check_bytes("STREAM-4", kind)


@rule("STREAM-5")
@kinds
async def test_end_of_stream(kind: Kind) -> None:
    """The end comes after the data, each time."""
    await check_bytes("STREAM-5", kind)


@rule("STREAM-6")
@kinds
async def test_iteration(kind: Kind) -> None:
    """Iterating gives the data and ends."""
    await check_bytes("STREAM-6", kind)


@rule("STREAM-7")
@kinds
async def test_half_close(kind: Kind) -> None:
    """send_eof() ends one direction, or says that it can't."""
    await check_bytes("STREAM-7", kind)


@rule("STREAM-8")
@kinds
async def test_one_task_in_each_direction(kind: Kind) -> None:
    """A second task gets BusyResourceError and disturbs nobody."""
    await check_bytes("STREAM-8", kind)


@rule("STREAM-9")
@kinds
async def test_both_directions_at_once(kind: Kind) -> None:
    """One task sends while another receives."""
    await check_bytes("STREAM-9", kind)


@rule("STREAM-10")
@kinds
async def test_closing(kind: Kind) -> None:
    """aclose() is idempotent, a checkpoint, and closes when it is cancelled too."""
    await check_bytes("STREAM-10", kind)


@rule("STREAM-11")
@kinds
async def test_use_after_closing(kind: Kind) -> None:
    """Every operation on a closed stream raises ClosedResourceError."""
    await check_bytes("STREAM-11", kind)


@rule("STREAM-12")
@kinds
async def test_closing_wakes(kind: Kind) -> None:
    """Tasks that wait are woken when the stream is closed."""
    await check_bytes("STREAM-12", kind)


@rule("STREAM-13")
@kinds
async def test_closing_delivers(kind: Kind) -> None:
    """What was sent before closing arrives, and sending to nobody fails."""
    await check_bytes("STREAM-13", kind)


@rule("STREAM-14")
@kinds
async def test_broken_stays_broken(kind: Kind) -> None:
    """After an accident every operation raises BrokenResourceError."""
    await check_bytes("STREAM-14", kind)


@rule("STREAM-15")
@kinds
async def test_checkpoints(kind: Kind) -> None:
    """Every operation checks for cancellation first, and yields now and then."""
    await check_bytes("STREAM-15", kind)


@rule("STREAM-16")
@kinds
async def test_cancelled_receive(kind: Kind) -> None:
    """A cancelled receive() loses nothing."""
    await check_bytes("STREAM-16", kind)


@rule("STREAM-17")
@kinds
async def test_cancelled_send(kind: Kind) -> None:
    """Nothing is sent after a cancelled send()."""
    await check_bytes("STREAM-17", kind)


@rule("STREAM-18")
@kinds
async def test_backpressure(kind: Kind) -> None:
    """A sender whose peer does not receive waits."""
    await check_bytes("STREAM-18", kind)


@rule("STREAM-19")
@kinds
async def test_precedence(kind: Kind) -> None:
    """Of several things that are wrong, the right one is reported."""
    await check_bytes("STREAM-19", kind)
