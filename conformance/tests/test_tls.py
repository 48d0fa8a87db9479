"""Bounds of TLS streams that take too long to wait for on a real clock."""

from __future__ import annotations

import accord
from accord_conformance.attempts import blocked
from accord_conformance.loader import load_backend
from accord_conformance.suite.tls.asking import asking, fill_up


def test_answer_that_nobody_takes() -> None:
    """A peer that demands an answer and doesn't take it for half a minute has broken the connection."""

    async def main() -> None:
        async with asking() as (stream, peer):
            await fill_up(stream)
            await peer.transport.send(peer.question(b"who are you?"))
            assert await stream.receive() == b"who are you?"
            began = accord.current_time()
            async with accord.create_task_group() as group:
                receiver = await blocked(group, stream.receive)
            assert 29 < accord.current_time() - began < 31
            assert type(receiver.error) is accord.BrokenResourceError
            try:
                await stream.send(b"x")
            except accord.BrokenResourceError as error:
                assert "answer" in str(error)
            else:
                raise AssertionError("the stream is not broken")

    accord.run(main, backend=load_backend("accord_conformance.model:backend"))
