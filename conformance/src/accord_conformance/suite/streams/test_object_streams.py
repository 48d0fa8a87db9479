"""What every object stream keeps."""

from __future__ import annotations

import pytest

from accord_conformance.helpers import rule
from accord_conformance.suite.streams.kinds import OF_OBJECTS, Kind, check_objects

kinds = pytest.mark.parametrize("kind", OF_OBJECTS, ids=str)


@rule("STREAM-21")
@kinds
async def test_objects_arrive(kind: Kind) -> None:
    """Objects arrive once each and in order."""
    await check_objects("STREAM-21", kind)


@rule("STREAM-22")
@kinds
async def test_end_of_objects(kind: Kind) -> None:
    """The end comes after the last object, each time."""
    await check_objects("STREAM-22", kind)


@rule("STREAM-23")
@kinds
async def test_closing_object_streams(kind: Kind) -> None:
    """A closed stream wakes who waits and refuses everything."""
    await check_objects("STREAM-23", kind)


@rule("STREAM-24")
@kinds
async def test_sending_objects_to_nobody(kind: Kind) -> None:
    """Sending to a receiver that has closed raises BrokenResourceError."""
    await check_objects("STREAM-24", kind)


@rule("STREAM-25")
@kinds
async def test_cancelled_object_operations(kind: Kind) -> None:
    """Cancelled operations have no effect."""
    await check_objects("STREAM-25", kind)
