"""Mutants of connectables."""

from __future__ import annotations

import dataclasses
from typing import Any

import accord
import accord.net.connectables
from accord.net.connectables import TCPConnectable, TLSConnectable, UNIXConnectable
from accord.streams.buffered import BufferedConnectable
from accord.streams.text import TextConnectable
from accord.streams.tls import TLSStream

from .making import Broken, around, mutant, replace

TCP: Any = TCPConnectable
UNIX: Any = UNIXConnectable
TLS: Any = TLSConnectable


@mutant("CONN-1")
def places_are_checked_late(_: Broken) -> None:
    """A port that can't be is found out about when connecting."""

    def post_init(place: Any) -> None:
        """Check nothing."""

    replace(TCP, __post_init__=post_init)


@mutant("CONN-1")
def connectables_connect_once(_: Broken) -> None:
    """A connectable gives the same stream again."""
    made: dict[Any, Any] = {}

    async def connect(original: Any, place: Any) -> Any:
        if place not in made:
            made[place] = await original(place)
        return made[place]

    around(TCP, "connect", connect)


@mutant("CONN-2")
def paths_are_strings(_: Broken) -> None:
    """A path in bytes is turned into its repr."""

    async def connect(original: Any, place: Any) -> Any:
        return await original(UNIXConnectable(str(place.path)))

    around(UNIX, "connect", connect)


@mutant("CONN-2")
def paths_are_not_checked(_: Broken) -> None:
    """What can't be a path is found out about when connecting."""

    def post_init(place: Any) -> None:
        """Check nothing."""

    replace(UNIX, __post_init__=post_init)


@mutant("CONN-3")
def forgotten_names_are_not_checked(_: Broken) -> None:
    """TLS without a host name can be asked for, and fails when connecting."""

    def post_init(place: Any) -> None:
        """Check nothing."""

    replace(TLS, __post_init__=post_init)


@mutant("CONN-3")
def failed_handshakes_leak(_: Broken) -> None:
    """The connection stays open if the handshake fails."""
    leaked: list[Any] = []

    class Kept:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

        async def aclose(self) -> None:
            leaked.append(self.stream)

    async def wrap(original: Any, stream: Any, **options: Any) -> Any:
        return await original(Kept(stream), **options)

    around(TLSStream, "wrap", wrap)


@mutant("CONN-4")
def classes_are_connectables(_: Broken) -> None:
    """Whatever has a connect is taken, a class too."""

    def plain(original: Any, remote: Any) -> Any:
        return remote if hasattr(remote, "connect") else original(remote)

    around(accord.net.connectables, "_plain", plain)


@mutant("CONN-4")
def paths_in_bytes_are_refused(_: Broken) -> None:
    """A path has to be a str or a path object."""

    def plain(original: Any, remote: Any) -> Any:
        if isinstance(remote, bytes):
            raise TypeError("remote must not be bytes")
        return original(remote)

    around(accord.net.connectables, "_plain", plain)


def change_as_connectable(change: Any) -> None:
    """Put another function in place of as_connectable."""
    around(accord.net.connectables, "as_connectable", change)
    replace(accord, as_connectable=accord.net.connectables.as_connectable)


@mutant("CONN-5")
def tls_over_connectables_is_left_out(_: Broken) -> None:
    """A connectable is returned as it is, though TLS was asked for."""

    def changed(original: Any, remote: Any, **options: Any) -> Any:
        return remote if hasattr(remote, "connect") else original(remote, **options)

    change_as_connectable(changed)


@mutant("CONN-5")
def contradictions_mean_tls(_: Broken) -> None:
    """tls=False is not looked at if there is a TLS argument."""

    def changed(original: Any, remote: Any, *, tls: Any = None, **options: Any) -> Any:
        return original(remote, tls=tls or None, **options)

    change_as_connectable(changed)


@mutant("CONN-6")
def buffered_connectables_are_not_buffered(_: Broken) -> None:
    """BufferedConnectable gives what the inner one gives."""

    async def connect(place: Any) -> Any:
        return await place.connectable.connect()

    replace(BufferedConnectable, connect=connect)


@mutant("CONN-6")
def text_connectables_forget_their_encoding(_: Broken) -> None:
    """TextConnectable gives streams in UTF-8."""

    async def connect(original: Any, place: Any) -> Any:
        return await original(dataclasses.replace(place, encoding="utf-8", errors="strict"))

    around(TextConnectable, "connect", connect)


@mutant("CONN-7")
def connectables_differ_in_context_only(_: Broken) -> None:
    """Two TLS connectables with different contexts are equal."""

    def equal(one: Any, other: Any) -> Any:
        return type(one) is type(other) and (one.connectable, one.hostname) == (other.connectable, other.hostname)

    def hashed(one: Any) -> int:
        return hash((one.connectable, one.hostname))

    replace(TLS, __eq__=equal, __hash__=hashed)


@mutant("CONN-7")
def connectables_show_addresses(_: Broken) -> None:
    """The repr of a TLS connectable is that of any object."""
    replace(TLS, __repr__=object.__repr__)


@mutant("CONN-8")
def unknown_names_are_another_error(_: Broken) -> None:
    """A name that can't be resolved is a socket.gaierror."""

    async def connect(original: Any, place: Any) -> Any:
        try:
            return await original(place)
        except accord.ConnectionFailed as error:
            if error.errno is None and error.__cause__ is not None:
                raise error.__cause__ from None
            raise

    around(TCP, "connect", connect)
