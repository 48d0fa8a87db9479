"""The checks of streams as they are called: all at once, or one by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from .byte_accidents import accident_checks
from .byte_streams import byte_checks
from .checks import Check, MakePair, Options, run_checks
from .object_streams import object_checks


def byte_stream_checks() -> tuple[Check, ...]:
    """Return the checks of byte streams, each with its rule and a ``run`` method."""
    return (*byte_checks.all, *accident_checks.all)


def object_stream_checks() -> tuple[Check, ...]:
    """Return the checks of object streams, each with its rule and a ``run`` method."""
    return tuple(object_checks.all)


async def check_byte_stream(
    make_pair: MakePair,
    *,
    half_close: bool = True,
    abort: Callable[[Any], Awaitable[object]] | None = None,
    one_fate: bool = True,
    large: int = 20_000_000,
    patience: float = 10.0,
) -> None:
    """Check that byte streams keep the rules STREAM-1 to 19; takes seconds.

    Raises an ``ExceptionGroup`` of ``AssertionError``, one for each check that failed, which begins with the rule.

    :param make_pair: makes two new streams that are connected with each other: an async function that returns both, or
        a function that returns an async context manager which gives both.
    :param half_close: whether ``send_eof()`` works; if not, it has to raise ``NotImplementedError``.
    :param abort: an async function that is called with one stream and makes the other see an accident. Without it,
        accidents are not checked.
    :param one_fate: whether what breaks one direction breaks both.
    :param large: a number of bytes that no buffer on the way holds.
    :param patience: seconds after which a check has failed.
    """
    options = Options(half_close=half_close, abort=abort, one_fate=one_fate, large=large, patience=patience)
    await run_checks(byte_stream_checks(), lambda check: check.run(make_pair, options))


async def check_object_stream(
    make_pair: MakePair,
    *,
    items: tuple[Any, ...] = ("one", "two", "three"),
    join: Callable[[list[Any]], Any] | None = None,
    half_close: bool = True,
    patience: float = 10.0,
) -> None:
    """Check that object streams keep the rules STREAM-21 to 25.

    Raises an ``ExceptionGroup`` of ``AssertionError``, one for each check that failed, which begins with the rule.

    :param make_pair: as for ``check_byte_stream``; of the two streams the first receives what the second sends.
    :param items: different objects that can be sent, at least two.
    :param join: puts received objects together, if they may be cut and joined on the way, as ``"".join`` for text.
    :param half_close: whether ``send_eof()``, if the sender has it, works.
    :param patience: seconds after which a check has failed.
    """
    options = Options(half_close=half_close, items=items, join=join, patience=patience)
    await run_checks(object_checks.all, lambda check: check.run(make_pair, options))
