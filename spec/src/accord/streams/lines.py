"""The lines of a stream of bytes or of text.

However a stream was cut into pieces, the lines are the same. What has come of a line that is not complete is kept in
pieces, and joined once, so that a long line in small pieces takes no longer than in large ones.
"""

from __future__ import annotations

from collections import deque
from typing import Any, AnyStr, Generic, Self, overload

from .._backends import current_backend, here
from ..exceptions import BusyResourceError, DelimiterNotFound, EndOfStream
from ..protocols import ByteReceiveStream, ObjectReceiveStream
from .checking import check_size

__all__ = ["LineIterator", "iter_lines"]


# Newline and carriage return.
_TEXT: tuple[Any, Any] = "\n", "\r"
_BYTES: tuple[Any, Any] = b"\n", b"\r"


class LineIterator(Generic[AnyStr]):
    """What ``iter_lines`` returns: an async iterator that can be left and iterated over again; each step a checkpoint.

    A step raises ``DelimiterNotFound`` where a line is too long, and then each time; ``BusyResourceError`` while
    another task waits for its step; and what ``receive`` of the stream raises.
    """

    __slots__ = (
        "_ended",
        "_failure",
        "_keep_ends",
        "_length",
        "_lines",
        "_max_line",
        "_pieces",
        "_receiving",
        "_stream",
    )

    def __init__(self, stream: Any, max_line: int, keep_ends: bool) -> None:
        self._stream = stream
        self._max_line = max_line
        self._keep_ends = keep_ends
        self._lines: deque[Any] = deque()
        self._pieces: list[Any] = []
        """The beginning of a line whose end has not come."""
        self._length = 0
        self._failure: Exception | None = None
        self._ended = False
        self._receiving = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AnyStr:
        checked = False
        while True:
            if self._receiving:
                raise BusyResourceError("receiving from")
            if self._lines or self._ended:
                if not checked:
                    checked = True
                    backend = here.backend or current_backend()
                    if backend.checkpoint_due():
                        await backend.checkpoint()
                        continue  # another task may have taken the line meanwhile
                if self._lines:
                    line: AnyStr = self._lines.popleft()
                    return line
                if self._failure is not None:
                    raise type(self._failure)(*self._failure.args)
                raise StopAsyncIteration
            checked = True
            self._receiving = True
            try:
                piece = await self._stream.receive()
            except EndOfStream:
                self._end()
            else:
                self._add(piece)
            finally:
                self._receiving = False

    def _add(self, piece: Any) -> None:
        """Take in what was received."""
        if not isinstance(piece, bytes | str) or (self._pieces and type(self._pieces[0]) is not type(piece)):
            self._fail(TypeError(f"the stream must give either bytes or str, not {type(piece).__name__}"))
            return
        newline, carriage = _TEXT if isinstance(piece, str) else _BYTES
        first, *rest = piece.split(newline)
        if first:
            self._pieces.append(first)
            self._length += len(first)
        if rest:
            self._finish(newline, carriage)
            last = rest.pop()
            for line in rest:
                self._complete(line, newline, carriage)
            if last:
                self._pieces.append(last)
                self._length = len(last)
        # A carriage return at the end may turn out to be part of the line's end.
        if self._length > self._max_line and not (
            self._length == self._max_line + 1 and self._pieces[-1].endswith(carriage)
        ):
            self._fail_too_long()

    def _finish(self, newline: Any, carriage: Any) -> None:
        """Complete the line whose pieces were kept."""
        pieces = self._pieces
        line = pieces[0] if len(pieces) == 1 else newline[:0].join(pieces)
        self._pieces = []
        self._length = 0
        self._complete(line, newline, carriage)

    def _complete(self, line: Any, newline: Any, carriage: Any) -> None:
        """Put a line in the queue, unless it is too long or comes after one that is."""
        content = line[:-1] if line.endswith(carriage) else line
        if self._ended:
            return
        if len(content) > self._max_line:
            self._fail_too_long()
        else:
            self._lines.append(line + newline if self._keep_ends else content)

    def _end(self) -> None:
        """Take in the end of the stream: what is left is a line, too."""
        if self._length > self._max_line:
            self._fail_too_long()
        elif self._pieces:
            self._lines.append(self._pieces[0][:0].join(self._pieces))
            self._pieces = []
        self._ended = True

    def _fail_too_long(self) -> None:
        self._fail(DelimiterNotFound(f"the line did not end within {self._max_line} bytes or characters"))

    def _fail(self, failure: Exception) -> None:
        if self._failure is None:
            self._failure = failure
        self._ended = True
        self._pieces = []
        self._length = 0

    def __repr__(self) -> str:
        return f"<LineIterator of {self._stream!r}>"


@overload
def iter_lines(
    stream: ObjectReceiveStream[str], *, max_line: int = ..., keep_ends: bool = ...
) -> LineIterator[str]: ...
@overload
def iter_lines(
    stream: ByteReceiveStream | ObjectReceiveStream[bytes], *, max_line: int = ..., keep_ends: bool = ...
) -> LineIterator[bytes]: ...
def iter_lines(
    stream: ObjectReceiveStream[str] | ByteReceiveStream | ObjectReceiveStream[bytes],
    *,
    max_line: int = 65536,
    keep_ends: bool = False,
) -> LineIterator[Any]:
    """Return an iterator over the lines of a stream, up to its end; the stream is not closed (area LINES).

    :param stream: a stream of bytes or of text. What comes after a line may have been received with it, so that
        nothing else should receive from the stream meanwhile.
    :param max_line: how many bytes or characters a line may have, without its end.
    :param keep_ends: give each line with its end, a newline or a carriage return and a newline, as it came.

    Raises ``TypeError`` or ``ValueError`` for a wrong ``max_line``, ``TypeError`` for what is no such stream.
    """
    check_size(max_line, "max_line")
    if not callable(getattr(stream, "receive", None)):
        raise TypeError(f"stream must be a stream to receive from, not {type(stream).__name__}")
    return LineIterator(stream, max_line, keep_ends)
