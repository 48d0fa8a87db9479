"""Mutants of byte streams from and to files."""

from __future__ import annotations

from typing import Any

from accord import EndOfStream
from accord.lowlevel import checkpoint
from accord.streams import file as streams

from .making import Broken, around, mutant, replace

Read: Any = streams.FileReadStream
Write: Any = streams.FileWriteStream
Stream: Any = streams._FileStream


@mutant("FILE-12")
def streams_wait_until_the_buffer_is_full(_: Broken) -> None:
    """receive() waits for all that was asked for."""

    def read(self: Any, size: Any) -> Any:
        return self._file.read(size)

    replace(Read, _read=read)


@mutant("FILE-12")
def streams_keep_what_is_sent(_: Broken) -> None:
    """send() leaves the data in a buffer of Python's."""

    def write(self: Any, data: Any) -> Any:
        return self._file.write(data)

    replace(Write, _write=write)


@mutant("FILE-12")
def streams_queue_a_second_task(_: Broken) -> None:
    """A second task waits instead of being told."""

    async def do(original: Any, self: Any, *args: Any) -> Any:
        while self._turns.taken and not self._closed:
            await checkpoint()
        return await original(self, *args)

    around(Stream, "_do", do)


@mutant("FILE-12")
def broken_streams_recover(_: Broken) -> None:
    """After an error of the system the stream goes on."""

    def failed(original: Any, self: Any, exc: Any) -> Any:
        error = original(self, exc)
        self._broken = None
        return error

    around(Stream, "_failed", failed)


@mutant("FILE-12")
def ends_of_files_are_for_good(_: Broken) -> None:
    """A file that has grown gives nothing any more."""
    at_end: set[int] = set()

    async def receive(original: Any, self: Any, *args: Any) -> Any:
        if id(self) in at_end:
            raise EndOfStream
        try:
            return await original(self, *args)
        except EndOfStream:
            at_end.add(id(self))
            raise

    around(Read, "receive", receive)


@mutant("FILE-12")
def streams_are_closed_under_an_operation(_: Broken) -> None:
    """aclose() does not wait for the operation that is under way."""

    async def aclose(self: Any) -> None:
        self._closed = True
        self._file.close()
        await checkpoint()

    replace(Stream, aclose=aclose)
