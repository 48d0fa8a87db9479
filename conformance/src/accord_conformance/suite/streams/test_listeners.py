"""What every listener keeps."""

from __future__ import annotations

import pytest

from accord.testing import MakeListener, listener_checks
from accord_conformance.helpers import rule
from accord_conformance.suite.streams.kinds import listen_by_tcp, listen_in_memory, listen_to_several

core = pytest.mark.parametrize("make", [listen_in_memory, listen_to_several])
on_sockets = pytest.mark.parametrize("make", [listen_by_tcp])


async def check(rule_id: str, make: MakeListener) -> None:
    """Run all checks of a rule of listeners."""
    chosen = [check for check in listener_checks() if check.rule == rule_id]
    assert chosen
    for one in chosen:
        await one.run(make)


@rule("STREAM-26")
@core
async def test_serving(make: MakeListener) -> None:
    """Connections are handled in tasks, several at a time."""
    await check("STREAM-26", make)


@rule("STREAM-27")
@core
async def test_closing_ends_serving(make: MakeListener) -> None:
    """serve() returns when the listener is closed."""
    await check("STREAM-27", make)


@rule("STREAM-28")
@core
async def test_handlers_in_a_group_of_the_callers(make: MakeListener) -> None:
    """Handlers are tasks of the group that was passed."""
    await check("STREAM-28", make)


@rule("STREAM-29")
@core
async def test_readiness(make: MakeListener) -> None:
    """started() is called when connections are taken."""
    await check("STREAM-29", make)


@rule("STREAM-26", needs=("readiness",))
@on_sockets
async def test_sockets_serving(make: MakeListener) -> None:
    """Connections are handled in tasks, several at a time."""
    await check("STREAM-26", make)


@rule("STREAM-27", needs=("readiness",))
@on_sockets
async def test_sockets_closing_ends_serving(make: MakeListener) -> None:
    """serve() returns when the listener is closed."""
    await check("STREAM-27", make)


@rule("STREAM-28", needs=("readiness",))
@on_sockets
async def test_sockets_handlers_in_a_group_of_the_callers(make: MakeListener) -> None:
    """Handlers are tasks of the group that was passed."""
    await check("STREAM-28", make)


@rule("STREAM-29", needs=("readiness",))
@on_sockets
async def test_sockets_readiness(make: MakeListener) -> None:
    """started() is called when connections are taken."""
    await check("STREAM-29", make)
