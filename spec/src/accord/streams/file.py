"""Byte streams from and to files.

They work without a buffer of Python's: what ``send`` has sent is the operating system's, and ``receive`` returns what
one read gives. Both end in a thread, where a cancellation can't reach them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Self

from .._attributes import TypedAttributeProvider, TypedAttributeSet, typed_attribute
from .._backends import current_backend, here
from .._mixins import Closing, Receiving
from ..exceptions import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from ..files.async_file import check_limiter
from ..files.opening import open_file
from ..files.turns import Turns, run_surely
from ..sync import CapacityLimiter
from ..to_thread import run_sync
from .checking import check_item, check_size

StrPath = str | os.PathLike[str]


class FileStreamAttribute(TypedAttributeSet):
    """Attributes of streams from and to files."""

    file: IO[bytes] = typed_attribute()
    """The file object."""
    path: Path = typed_attribute()
    """The path; only if the file has one."""
    fileno: int = typed_attribute()
    """The descriptor; only if the file has one."""


class _FileStream(TypedAttributeProvider):
    """What both directions share: one operation at a time, errors, and closing."""

    __slots__ = ("__weakref__", "_broken", "_closed", "_file", "_limiter", "_turns")

    def __init__(self, file: IO[bytes], *, limiter: CapacityLimiter | None = None) -> None:
        if not callable(getattr(file, "close", None)):
            raise TypeError(f"file must be a file object, not {type(file).__name__}")
        check_limiter(limiter)
        self._file: Any = file
        self._limiter = limiter
        self._turns = Turns()
        self._closed = False
        self._broken: str | None = None

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of ``FileStreamAttribute`` that the file has."""
        file = self._file
        attributes: dict[Any, Callable[[], Any]] = {FileStreamAttribute.file: lambda: file}
        name = getattr(file, "name", None)
        if isinstance(name, str | bytes):
            attributes[FileStreamAttribute.path] = lambda: Path(os.fsdecode(name))
        try:
            file.fileno()
        except (AttributeError, OSError, ValueError):
            return attributes
        return {**attributes, FileStreamAttribute.fileno: file.fileno}

    def _check_usable(self) -> None:
        if self._closed:
            raise ClosedResourceError("this stream is closed")
        if self._broken is not None:
            raise BrokenResourceError(self._broken)

    async def _do(self, action: str, operation: Callable[..., Any], *args: Any) -> Any:
        """Carry out an operation in a thread, unless another is under way or the stream is not usable."""
        turns = self._turns
        if turns.taken:
            if not self._closed:
                raise BusyResourceError(action)
            await turns.wait()
        turns.taken = True
        try:
            if self._closed or self._broken is not None:
                await (here.backend or current_backend()).checkpoint()
                self._check_usable()
            return await run_sync(operation, *args, limiter=self._limiter)
        finally:
            turns.give()

    def _failed(self, exc: OSError) -> BrokenResourceError:
        self._broken = f"the file is broken: {exc.strerror or exc}"
        return BrokenResourceError(self._broken)

    async def aclose(self) -> None:
        """Close the file, after the operation that is under way; idempotent, a checkpoint (FILE-12).

        It is closed also if this raises.
        """
        turns = self._turns
        self._closed = True
        if turns.taken:
            await turns.wait(shielded=True)
        else:
            turns.taken = True
        try:
            if not self._file.closed:
                await run_surely(self._file.close, self._limiter)
                return
        finally:
            turns.give()
        await (here.backend or current_backend()).checkpoint()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._file!r}>"


class FileReadStream(_FileStream, Receiving[bytes]):
    """A stream of the bytes of a file (FILE-12).

    :param file: a binary file object, which belongs to the stream from now on.
    :param limiter: where each operation takes a token while it is in a thread.
    """

    __slots__ = ()

    @classmethod
    async def from_path(cls, path: StrPath, *, limiter: CapacityLimiter | None = None) -> Self:
        """Open a file for reading; a checkpoint. ``OSError`` as ``open``."""
        file = await open_file(path, "rb", 0, limiter=limiter)
        return cls(file.wrapped, limiter=limiter)

    def _read(self, max_bytes: int) -> bytes:
        # A buffered file's read() waits until it has everything.
        read = getattr(self._file, "read1", self._file.read)
        data: bytes = read(max_bytes)
        return data

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes; a checkpoint.

        Raises ``EndOfStream`` at the end of the file, each time until there is more in it; ``ClosedResourceError``,
        ``BusyResourceError``; and ``BrokenResourceError`` from the ``OSError`` that reading raised.
        """
        check_size(max_bytes)
        try:
            data: bytes = await self._do("receiving from", self._read, max_bytes)
        except OSError as exc:
            raise self._failed(exc) from exc
        if not data:
            raise EndOfStream("this is the end of the file")
        return data

    async def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Change the position and return it; a checkpoint.

        Raises ``ValueError`` and ``OSError`` as the file's method, ``ClosedResourceError``, ``BrokenResourceError`` and
        ``BusyResourceError``.
        """
        moved: int = await self._do("receiving from", self._file.seek, position, whence)
        return moved

    async def tell(self) -> int:
        """Return the position; a checkpoint. Raises as ``seek``."""
        position: int = await self._do("receiving from", self._file.tell)
        return position


class FileWriteStream(_FileStream, Closing):
    """A stream of bytes into a file (FILE-12).

    :param file: a binary file object, which belongs to the stream from now on.
    :param limiter: where each operation takes a token while it is in a thread.
    """

    __slots__ = ()

    @classmethod
    async def from_path(cls, path: StrPath, append: bool = False, *, limiter: CapacityLimiter | None = None) -> Self:
        """Open a file for writing, after what is in it if ``append``, and otherwise anew; a checkpoint.

        Raises ``OSError`` as ``open``.
        """
        file = await open_file(path, "ab" if append else "wb", 0, limiter=limiter)
        return cls(file.wrapped, limiter=limiter)

    def _write(self, data: memoryview) -> None:
        sent = 0
        while sent < len(data):
            with data[sent:] as rest:
                sent += self._file.write(rest)
        self._file.flush()

    async def send(self, item: bytes | bytearray | memoryview, /) -> None:
        """Write all of ``item`` and hand it to the operating system; a checkpoint.

        Raises ``TypeError`` for what is no bytes, ``ClosedResourceError``, ``BusyResourceError``, and
        ``BrokenResourceError`` from the ``OSError`` that writing raised; then a part of it may have been written.
        """
        with check_item(item) as data:
            try:
                await self._do("sending to", self._write, data)
            except OSError as exc:
                raise self._failed(exc) from exc
