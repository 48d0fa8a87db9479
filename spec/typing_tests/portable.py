"""A portable library's code, annotated with Protocols alone: it type-checks without any backend."""

from __future__ import annotations

from accord.protocols import Backend, ByteStream, CancelScope, Listener, Parker, TaskGroup


async def relay(source: ByteStream, target: ByteStream, scope: CancelScope) -> None:
    """Copy one stream to another, and cancel a scope at the end."""
    async for chunk in source:
        await target.send(chunk)
    await target.send_eof()
    scope.cancel("the source has ended")


async def serve(listener: Listener[ByteStream], group: TaskGroup) -> None:
    """Echo on every connection."""

    async def echo(stream: ByteStream) -> None:
        async with stream:
            await stream.send(await stream.receive())

    await listener.serve(echo, task_group=group)


def use_backend(backend: Backend) -> Parker[str]:
    """A member that is no part of the waist is an error."""
    backend.create_event()  # type: ignore[attr-defined]
    parker: Parker[str] = backend.create_parker()
    return parker
