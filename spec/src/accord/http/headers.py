"""Header fields: those that are sent, checked, and those that came, by name in any case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, cast

HeadersLike: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""Header fields as callers pass them."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

OURS = frozenset({"connection", "transfer-encoding", "upgrade", "te", "trailer", "expect", "keep-alive"})
"""What says how a message is carried, which is not the caller's affair."""


def check_token(value: object, name: str) -> str:
    """Return ``value`` if it is a token of HTTP, such as a method; ``TypeError`` or ``ValueError`` otherwise."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{name} must be a token of HTTP, not {value!r}")
    return value


def check_headers(headers: HeadersLike) -> list[tuple[str, str]]:
    """Return header fields as a list; ``TypeError`` or ``ValueError`` for what can't be sent, line breaks above all."""
    items = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    checked: list[tuple[str, str]] = []
    for name, value in items:
        check_token(name, "the name of a header field")
        if not isinstance(value, str):
            raise TypeError(f"the value of header field {name} must be a str, not {type(value).__name__}")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of header field {name} has a character that can't be sent")
        if name.lower() in OURS:
            raise ValueError(f"header field {name} can't be set: open_url() decides how the message is carried")
        checked.append((name, value.strip(" \t")))
    names = [name.lower() for name, _ in checked]
    for name in ("content-length", "host"):
        if names.count(name) > 1:
            raise ValueError(f"header field {name} can be set once only")
    length = dict(zip(names, checked, strict=True)).get("content-length")
    if length is not None and not (length[1].isascii() and length[1].isdigit()):
        raise ValueError(f"header field Content-Length must be a number, not {length[1]!r}")
    return checked


class Headers(Mapping[str, str]):
    """The header fields of a response: a mapping that doesn't look at the case of names (HTTP-4).

    A field that came several times has its values joined by ``", "``; ``get_all`` gives them one by one.
    """

    __slots__ = ("_fields", "raw")

    def __init__(self, raw: Iterable[tuple[str, str]]) -> None:
        self.raw = tuple(raw)
        """Names and values as they came."""
        self._fields: dict[str, list[str]] = {}
        for name, value in self.raw:
            self._fields.setdefault(name.lower(), []).append(value)

    def get_all(self, name: str) -> list[str]:
        """Return the values of a field, in their order; an empty list if it didn't come."""
        return list(self._fields.get(name.lower(), ()))

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._fields[name.lower()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({list(self.raw)!r})"
