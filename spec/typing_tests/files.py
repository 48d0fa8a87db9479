"""What type checkers infer for files, temporary files, and streams from and to files; checked, never run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any, assert_type

import accord
from accord import AsyncFile
from accord.abc import AsyncResource, ByteReceiveStream, ByteSendStream
from accord.streams.file import FileReadStream, FileStreamAttribute, FileWriteStream


def takes_resource(resource: AsyncResource) -> None:
    pass


async def opening(mode: str, fp: io.TextIOWrapper, limiter: accord.CapacityLimiter) -> None:
    assert_type(await accord.open_file("name"), AsyncFile[str])
    assert_type(await accord.open_file(Path("name"), "rb", limiter=limiter), AsyncFile[bytes])
    assert_type(await accord.open_file(3, "w+", encoding="utf-8"), AsyncFile[str])
    assert_type(await accord.open_file(b"name", mode), AsyncFile[Any])
    assert_type(accord.wrap_file(io.BytesIO()), AsyncFile[bytes])
    assert_type(accord.wrap_file(io.StringIO(), limiter=limiter), AsyncFile[str])
    assert_type(accord.wrap_file(fp), AsyncFile[str])
    await accord.open_file(3.5)  # type: ignore[call-overload]
    accord.wrap_file("name")  # type: ignore[arg-type]


async def text(file: AsyncFile[str]) -> None:
    takes_resource(file)
    assert_type(await file.read(), str)
    assert_type(await file.readline(), str)
    assert_type(await file.readlines(), list[str])
    assert_type(await file.write("text"), int)
    assert_type(await file.seek(0), int)
    assert_type(await file.tell(), int)
    assert_type(await file.truncate(), int)
    assert_type(file.wrapped, IO[str])
    assert_type(file.limiter, accord.CapacityLimiter | None)
    await file.writelines(["one", "two"])
    async for line in file:
        assert_type(line, str)
    async with file as same:
        assert_type(same, AsyncFile[str])
    await file.write(b"bytes")  # type: ignore[arg-type]
    await file.read1()  # type: ignore[misc]


async def binary(file: AsyncFile[bytes]) -> None:
    assert_type(await file.read(5), bytes)
    assert_type(await file.read1(5), bytes)
    assert_type(await file.readinto(bytearray(5)), int)
    assert_type(await file.readinto1(bytearray(5)), int)
    assert_type(await file.write(memoryview(b"bytes")), int)
    async for line in file:
        assert_type(line, bytes)
    await file.write("text")  # type: ignore[arg-type]


async def temporary() -> None:
    async with accord.TemporaryFile() as file:
        assert_type(file, AsyncFile[bytes])
    async with accord.TemporaryFile("w+", encoding="utf-8") as text_file:
        assert_type(text_file, AsyncFile[str])
    async with accord.NamedTemporaryFile(delete_on_close=False) as named:
        assert_type(named, AsyncFile[bytes])
    async with accord.NamedTemporaryFile(mode="w") as named_text:
        assert_type(named_text, AsyncFile[str])
    async with accord.SpooledTemporaryFile(100) as spooled:
        assert_type(spooled, accord.SpooledTemporaryFile[bytes])
        await spooled.write(b"bytes")
        await spooled.rollover()
    async with accord.SpooledTemporaryFile(mode="w+") as spooled_text:
        assert_type(await spooled_text.read(), str)
    async with accord.TemporaryDirectory() as directory:
        assert_type(directory, str)
    async with accord.TemporaryDirectory(b"suffix") as directory_bytes:
        assert_type(directory_bytes, bytes)
    assert_type(await accord.mkstemp(), tuple[int, str])
    assert_type(await accord.mkstemp(prefix=b"prefix"), tuple[int, bytes])
    assert_type(await accord.mkdtemp("suffix"), str)
    assert_type(await accord.mkdtemp(b"suffix"), bytes)
    assert_type(await accord.gettempdir(), str)
    assert_type(await accord.gettempdirb(), bytes)


def takes_streams(receive: ByteReceiveStream, send: ByteSendStream) -> None:
    pass


async def streams() -> None:
    source = await FileReadStream.from_path("name")
    sink = await FileWriteStream.from_path(Path("name"), append=True)
    takes_streams(source, sink)
    assert_type(source, FileReadStream)
    assert_type(sink, FileWriteStream)
    assert_type(await source.seek(0), int)
    assert_type(source.extra(FileStreamAttribute.path), Path)
    assert_type(sink.extra(FileStreamAttribute.fileno), int)
    await sink.send("text")  # type: ignore[arg-type]
