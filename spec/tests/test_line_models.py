"""Lines of streams against a simple model: however they are cut, the lines are the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import accord
from accord.streams.lines import iter_lines


class Source:
    """A stream that is received in the pieces that it was made with."""

    def __init__(self, data: Any, sizes: list[int]) -> None:
        self.rest = data
        self.sizes = sizes[::-1]

    async def receive(self) -> Any:
        """Return the next piece."""
        if not self.rest:
            raise accord.EndOfStream
        size = self.sizes.pop() if self.sizes else len(self.rest)
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece


def model(text: str, limit: int, *, keep_ends: bool) -> Iterator[str | None]:
    """Yield the lines of a text as a whole, and None where one is too long."""
    start = 0
    while start < len(text):
        place = text.find("\n", start)
        line = text[start:] if place < 0 else text[start : place + 1]
        content = line
        if line.endswith("\n"):
            content = line[:-2] if line.endswith("\r\n") else line[:-1]
        if len(content) > limit:
            yield None
            return
        yield line if keep_ends else content
        start += len(line)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "\n", "\r", "\r\n", "\x0b", "\x1c", "long line"]), max_size=30).map("".join),
    st.lists(st.integers(0, 5), max_size=30),
    st.integers(1, 8),
    st.booleans(),
    st.booleans(),
)
def test_lines(text: str, sizes: list[int], limit: int, keep_ends: bool, binary: bool) -> None:
    """Bytes and text have the model's lines, and the too long one is where the model has it."""

    async def main() -> list[Any]:
        source: Any = Source(text.encode() if binary else text, sizes)
        found: list[Any] = []
        try:
            async for line in iter_lines(source, max_line=limit, keep_ends=keep_ends):
                found.append(line)  # noqa: PERF401
        except accord.DelimiterNotFound:
            found.append(None)
        return found

    found = accord.run(main, backend=accord.get_available_backends()[0])
    wanted = list(model(text, limit, keep_ends=keep_ends))
    assert found == [line.encode() if binary and line is not None else line for line in wanted]
