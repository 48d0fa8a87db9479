"""Connecting to one of several addresses: Happy Eyeballs (RFC 8305).

A name often stands for addresses of both families, and one of them may lead nowhere: packets vanish, and the system
finds out after minutes. So the attempts overlap. The addresses are put into an order in which the families alternate,
one attempt is started after the other, each some time after the last or at once when one has failed, and the first
connection that stands wins. All others are given up.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, TypeVar

from .._tasks import create_task_group
from .._time import move_on_after
from ..exceptions import ConnectionAttempt, ConnectionFailed
from ..sync import Event
from .addresses import AddressInfo, public_address
from .resources import SocketResource

R = TypeVar("R", bound=SocketResource)

Connect = Callable[[AddressInfo], Awaitable[R]]


def interleaved(infos: Sequence[AddressInfo]) -> list[AddressInfo]:
    """Return the addresses with the families alternating, and the resolver's order within each family."""
    queues: dict[int, list[AddressInfo]] = {}
    for info in infos:
        queues.setdefault(info[0], []).append(info)
    longest = max(map(len, queues.values()), default=0)
    return [queue[i] for i in range(longest) for queue in queues.values() if i < len(queue)]


async def connect_to_one(
    infos: Sequence[AddressInfo], connect: Connect[R], delay: float, failures: list[ConnectionAttempt]
) -> R | None:
    """Return a connection to the first address that answers, None if none does; ``failures`` gets what went wrong."""
    if len(infos) == 1:
        return await _attempt(infos[0], connect, failures)
    winner: list[R] = []

    async def run(info: AddressInfo, over: Event) -> None:
        stream = await _attempt(info, connect, failures)
        over.set()
        if stream is None:
            return
        if winner:
            stream._close()
        else:
            winner.append(stream)
            group.cancel()

    try:
        async with create_task_group(name="connect") as group:
            for info in interleaved(infos):
                over = Event()
                group.start_soon(run, info, over)
                with move_on_after(delay):
                    await over.wait()
    except BaseException:
        # The caller was cancelled in the moment in which a connection was made.
        for stream in winner:
            stream._close()
        raise
    return winner[0] if winner else None


async def _attempt(info: AddressInfo, connect: Connect[R], failures: list[ConnectionAttempt]) -> R | None:
    started_at = monotonic()
    try:
        return await connect(info)
    except OSError as exc:
        # The traceback would keep the frames of the attempt, and with them this list, alive in a cycle.
        failures.append(ConnectionAttempt(_shown(info), exc.with_traceback(None), monotonic() - started_at))
        return None


def _shown(info: AddressInfo) -> tuple[str, int] | str:
    address: Any = info[3]
    return public_address(address) if info[0] in (socket.AF_INET, socket.AF_INET6) else str(address)


def connection_failed(host: str, port: int, failures: Sequence[ConnectionAttempt]) -> ConnectionFailed:
    """Return the one error for all attempts (NET-11); its ``__cause__`` is set."""
    errors = [attempt.error for attempt in failures]
    codes = list(dict.fromkeys(error.errno for error in errors))
    names = ", ".join(errno.errorcode.get(code or 0, str(code)) for code in codes)
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    tried = "1 address" if len(errors) == 1 else f"{len(errors)} addresses"
    text = f"connect to {where} failed: {names} ({tried} tried)"
    failed = ConnectionFailed(codes[-1], text, host, port, failures)
    failed.__cause__ = errors[0] if len(errors) == 1 else ExceptionGroup("attempts to connect", errors)
    return failed
