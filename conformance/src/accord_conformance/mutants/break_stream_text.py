"""Mutants of text streams, and of the tools for testing."""

from __future__ import annotations

import codecs
from typing import Any

import accord.streams.text
import accord.testing.kit
from accord import EndOfStream
from accord.streams.text import TextReceiveStream, TextSendStream
from accord.testing.memory import MemoryByteStream

from .making import Broken, around, mutant, replace

Receiver: Any = TextReceiveStream
Sender: Any = TextSendStream


@mutant("STREAM-40")
def encodings_of_bytes_are_accepted(_: Broken) -> None:
    """Codecs that are no text encodings are found out about with the first message."""

    def codec(encoding: str, errors: str) -> Any:
        if not isinstance(encoding, str) or not isinstance(errors, str):
            raise TypeError
        codecs.lookup_error(errors)
        return codecs.lookup(encoding)

    replace(accord.streams.text, _codec=codec)


@mutant("STREAM-40")
def encodings_of_whole_texts_are_accepted(_: Broken) -> None:
    """Whatever has an incremental codec is used piece by piece."""

    def codec(original: Any, encoding: Any, errors: Any) -> Any:
        return codecs.lookup(encoding) if encoding == "punycode" else original(encoding, errors)

    around(accord.streams.text, "_codec", codec)


@mutant("STREAM-40")
def error_handlers_are_looked_up_late(_: Broken) -> None:
    """An unknown way to treat errors is found out about with the first error."""

    def codec(original: Any, encoding: str, errors: Any) -> Any:
        return original(encoding, "strict" if isinstance(errors, str) else errors)

    around(accord.streams.text, "_codec", codec)


@mutant("STREAM-41")
def each_piece_is_decoded_alone(_: Broken) -> None:
    """A character in two pieces is replaced by two marks."""

    def decode(original: Any, stream: Any, data: bytes, *, final: bool) -> Any:
        return original(stream, data, final=final) or data.decode("latin-1")

    around(Receiver, "_decode", decode)


@mutant("STREAM-41")
def empty_pieces_are_received(_: Broken) -> None:
    """receive() returns "" when only a part of a character has come."""

    async def receive(stream: Any) -> Any:
        data = await stream.transport_stream.receive()
        return stream._decode(data, final=False)

    replace(Receiver, receive=receive)


@mutant("STREAM-41")
def marks_are_kept(_: Broken) -> None:
    """A byte order mark comes through as a character."""

    def init(original: Any, stream: Any, transport: Any, encoding: Any = "utf-8", *args: Any) -> None:
        original(stream, transport, "utf-8" if encoding == "utf-8-sig" else encoding, *args)

    around(Receiver, "__init__", init)


@mutant("STREAM-42")
def good_text_before_bad_is_lost(_: Broken) -> None:
    """If a piece can't be decoded its beginning is not delivered."""

    def decode(original: Any, stream: Any, data: bytes, *, final: bool) -> Any:
        text = original(stream, data, final=final)
        return "" if stream._failure is not None else text

    around(Receiver, "_decode", decode)


@mutant("STREAM-42")
def codecs_are_believed(_: Broken) -> None:
    """What comes before an error is what the codec's exception says, which is nothing with some."""

    def beginning_of(original: Any, stream: Any, data: bytes) -> Any:
        return original(stream, data[: stream._failure[2]])

    around(Receiver, "_beginning_of", beginning_of)


@mutant("STREAM-42")
def wrong_bytes_are_reported_once(_: Broken) -> None:
    """After UnicodeDecodeError receiving goes on behind it."""

    async def receive(original: Any, stream: Any) -> Any:
        try:
            return await original(stream)
        finally:
            if stream._failure is not None:
                reported.append(stream)
                if reported.count(stream) > 1:
                    stream._failure = None

    reported: list[Any] = []
    around(Receiver, "receive", receive)


@mutant("STREAM-43")
def an_end_within_a_character_is_an_end(_: Broken) -> None:
    """A text that ends within a character just ends."""

    def decode(original: Any, stream: Any, data: bytes, *, final: bool) -> Any:
        return "" if final else original(stream, data, final=final)

    around(Receiver, "_decode", decode)


@mutant("STREAM-44")
def every_piece_has_a_mark(_: Broken) -> None:
    """Each send() encodes its text alone, with a mark."""

    async def send(original: Any, stream: Any, item: str) -> None:
        await original(stream, item)
        stream._encoder.reset()

    around(Sender, "send", send)


@mutant("STREAM-44")
def the_end_of_the_text_is_not_sent(_: Broken) -> None:
    """What the encoding needs at the end is left out."""

    async def finish(stream: Any) -> None:
        """Do nothing."""

    replace(Sender, finish=finish)


@mutant("STREAM-44")
def wrong_text_spoils_the_encoder(_: Broken) -> None:
    """The mark is lost if the first text can't be encoded or is not sent."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if isinstance(item, str):
            stream._encoder.encode("")
        await original(stream, item)

    around(Sender, "send", send)


@mutant("STREAM-60")
def pairs_are_not_cut(_: Broken) -> None:
    """max_receive has no effect."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        stream.max_receive = None
        return await original(stream, *size)

    around(MemoryByteStream, "receive", receive)


@mutant("STREAM-60")
def an_accident_closes_in_order(_: Broken) -> None:
    """reset() looks like an orderly end to a receiver."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except accord.BrokenResourceError:
            raise EndOfStream from None

    around(MemoryByteStream, "receive", receive)


@mutant("STREAM-61")
def checks_always_pass(_: Broken) -> None:
    """Failures are not collected."""

    async def run(original: Any, checks: Any, run_one: Any) -> None:
        try:
            await original(checks, run_one)
        except ExceptionGroup:
            return

    around(accord.testing.kit, "run_checks", run)


@mutant("STREAM-61")
def checks_stop_at_the_first_failure(_: Broken) -> None:
    """Only the first rule that is broken is reported."""

    async def run(checks: Any, run_one: Any) -> None:
        for check in checks:
            try:
                await run_one(check)
            except AssertionError as error:
                raise ExceptionGroup("broken", [error]) from None

    replace(accord.testing.kit, run_checks=run)
