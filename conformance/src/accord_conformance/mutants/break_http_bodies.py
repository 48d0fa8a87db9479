"""Mutants of open_url: bodies, and what a status means."""

from __future__ import annotations

from typing import Any

from accord import EndOfStream, HttpProtocolError, HttpStatusError, IncompleteRead
from accord.http.exchanges import Exchange
from accord.http.responses import UrlResponse
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace

Response: Any = UrlResponse
Talk: Any = Exchange


@mutant("HTTP-5")
def pieces_are_too_large(_: Broken) -> None:
    """receive() returns what came, whatever it was asked for."""

    async def receive(original: Any, response: Any, size: int = 65536) -> Any:
        return await original(response, size if isinstance(size, bool) or size < 1 else 65536)

    around(Response, "receive", receive)


@mutant("HTTP-5")
def text_is_always_utf8(_: Broken) -> None:
    """What the server says about the encoding is not looked at."""

    def charset(response: Any) -> str:
        return "utf-8"

    replace(Response, _charset=charset)


@mutant("HTTP-5")
def a_cancelled_receive_takes_a_piece(_: Broken) -> None:
    """receive() takes a piece of the body and then makes a checkpoint."""

    async def receive(original: Any, response: Any, *size: Any) -> Any:
        data = await original(response, *size)
        await checkpoint()
        return data

    around(Response, "receive", receive)


@mutant("HTTP-6")
def bodies_that_are_cut_just_end(_: Broken) -> None:
    """A body whose connection ends early looks complete."""

    async def receive(original: Any, exchange: Any) -> Any:
        try:
            return await original(exchange)
        except IncompleteRead:
            return None

    around(Talk, "receive", receive)


@mutant("HTTP-6")
def incomplete_once(_: Broken) -> None:
    """A body that was cut is said to be incomplete once, and then to have ended."""

    async def fetch(original: Any, response: Any) -> None:
        try:
            await original(response)
        except IncompleteRead:
            response._failure = None
            response._ended = True
            raise

    around(Response, "_fetch", fetch)


@mutant("HTTP-6")
def the_part_is_not_handed_out(_: Broken) -> None:
    """The error of read() does not carry what there was."""

    async def read(original: Any, response: Any, *limit: Any) -> Any:
        try:
            return await original(response, *limit)
        except IncompleteRead as error:
            raise IncompleteRead(str(error)) from None

    around(Response, "read", read)


@mutant("HTTP-6")
def no_answer_is_an_end(_: Broken) -> None:
    """An answer that is none ends in EndOfStream."""

    async def receive_head(original: Any, exchange: Any) -> Any:
        try:
            return await original(exchange)
        except HttpProtocolError:
            raise EndOfStream from None

    around(Talk, "_receive_head", receive_head)


@mutant("HTTP-11")
def statuses_are_errors_late(_: Broken) -> None:
    """Only from 500 on a status is an error."""

    def check(response: Any) -> Any:
        if response.status >= 500:
            raise HttpStatusError(response.status, response.reason, response.url)
        return response

    replace(Response, raise_for_status=check)


@mutant("HTTP-11")
def statuses_are_errors_without_a_place(_: Broken) -> None:
    """The error does not say where the answer came from."""

    def check(original: Any, response: Any) -> Any:
        try:
            return original(response)
        except HttpStatusError as error:
            raise HttpStatusError(error.status, error.reason, "") from None

    around(Response, "raise_for_status", check)
