"""Text streams in every encoding of the standard library that can be used piece by piece."""

from __future__ import annotations

import codecs
import encodings
import pkgutil
import random
from collections.abc import Iterator
from typing import Any

import pytest

import accord
from accord.streams.text import TextReceiveStream, TextSendStream

SAMPLE = (
    "plain 1,\n äöüß éñ čšž łź ґї жя ΑΩω \u05e9\u05dc\u05d5\u05dd \u0633\u0644\u0627\u0645 ไทย 漢字かな 한국어 "
    "€ \N{GRINNING FACE} \x00\x1b\ufeff z."
)
WHOLE = {"punycode"}
"""Encodings of a text as a whole, whatever their codecs say."""
NAMES = {"idna"}
"""Encodings of host names only."""
AMBIGUOUS = {"utf_7"}
"""Encodings in which a text can be written in several ways."""


def incremental_encodings() -> Iterator[str]:
    """Yield the text encodings that can be decoded and encoded piece by piece."""
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            info = codecs.lookup(module.name)
        except LookupError:
            continue  # no codec, or one of another system
        if info._is_text_encoding and info.incrementaldecoder and info.incrementalencoder:
            yield module.name


ENCODINGS = sorted({*incremental_encodings()} - WHOLE - {"undefined"})
EACH = pytest.mark.parametrize("encoding", ENCODINGS)


def sample(encoding: str) -> str:
    """A text with every kind of character that an encoding has."""
    if encoding in NAMES:
        return "b\u00fccher.example.\u6f22\u5b57.com"

    def survives(character: str) -> bool:
        try:
            return character.encode(encoding).decode(encoding) == character
        except UnicodeError:
            return False

    return "".join(filter(survives, SAMPLE))


class Source:
    """A stream that is received in the pieces that it was made with."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces[::-1]

    async def receive(self) -> bytes:
        """Return the next piece."""
        if not self.pieces:
            raise accord.EndOfStream
        return self.pieces.pop()


class Sink:
    """A stream that keeps what is sent to it."""

    def __init__(self) -> None:
        self.sent = b""

    async def send(self, item: bytes) -> None:
        """Keep it."""
        self.sent += item

    async def aclose(self) -> None:
        """Do nothing."""


def cuts(data: Any) -> Iterator[list[Any]]:
    """Yield data as a whole, cut at each place, and in the smallest pieces."""
    yield [data]
    for place in range(len(data) + 1):
        yield [data[:place], data[place:]]
    yield [data[place : place + 1] for place in range(len(data))]


async def received(pieces: list[bytes], encoding: str, errors: str) -> tuple[str, bool]:
    """The text that a stream delivers, and whether it ends in an error."""
    source: Any = Source(pieces)
    stream = TextReceiveStream(source, encoding, errors)
    text = ""
    try:
        async for piece in stream:
            assert piece
            text += piece
    except UnicodeError as error:
        with pytest.raises(type(error)):
            await stream.receive()
        return text, True
    return text, False


def run(main: Any) -> None:
    """Run on whichever backend is there."""
    accord.run(main, backend=accord.get_available_backends()[0])


def test_there_are_many() -> None:
    """The list of encodings is what Python has."""
    assert len(ENCODINGS) > 90
    assert {"utf_8", "utf_16", "shift_jis", "cp1252", "utf_7", "unicode_escape", "idna"} <= {*ENCODINGS}


@EACH
def test_receiving(encoding: str) -> None:
    """A text is received as it was, wherever it is cut, and whatever is to happen with errors."""
    text = sample(encoding)
    data = text.encode(encoding)
    wanted = data.decode(encoding)

    async def main() -> None:
        for errors in ("strict",) if encoding in NAMES else ("strict", "replace", "ignore", "surrogateescape"):
            for pieces in cuts(data):
                assert await received(pieces, encoding, errors) == (wanted, False), (errors, pieces)

    run(main)


@EACH
@pytest.mark.parametrize("errors", ["strict", "replace", "ignore", "backslashreplace"])
@pytest.mark.filterwarnings("ignore:.*invalid.*escape:DeprecationWarning")
def test_receiving_rubbish(encoding: str, errors: str) -> None:
    """What is received of bytes with errors in them does not depend on where they are cut."""
    if encoding in NAMES:
        pytest.skip("knows no way but one to treat errors")
    if encoding.startswith("iso2022") and errors != "strict":
        pytest.skip("Python's decoder holds back at most eight bytes of rubbish, and how many depends on the pieces")
    numbers = random.Random(f"{encoding} {errors}")
    good = sample(encoding).encode(encoding)

    async def main() -> None:
        for _ in range(15):
            place = numbers.randrange(max(1, len(good) - 12))
            data = bytearray(good[place : place + 12])
            for _ in range(numbers.randrange(3)):
                data[numbers.randrange(len(data))] = numbers.choice([numbers.randrange(256), 0x1B, 0x2B, 0x80, 0xFF])
            whole, *others = cuts(bytes(data))
            wanted = await received(whole, encoding, errors)
            for pieces in others:
                assert await received(pieces, encoding, errors) == wanted, pieces

    run(main)


@EACH
def test_sending(encoding: str) -> None:
    """What is sent in pieces is what the text is as a whole."""
    text = sample(encoding)
    data = text.encode(encoding)

    async def main() -> None:
        for pieces in cuts(text):
            sink: Any = Sink()
            async with TextSendStream(sink, encoding) as stream:
                for piece in pieces:
                    await stream.send(piece)
            if encoding in AMBIGUOUS:
                assert sink.sent.decode(encoding) == text, pieces
            else:
                assert sink.sent == data, pieces

    run(main)
