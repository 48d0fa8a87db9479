"""Failures that a backend's author knows: a TOML file with a reason and a link for each.

::

    [[known]]
    rule = "NET-3"
    reason = "The host has no half-closed connections."
    link = "https://example.org/issues/17"
    variants = ["fast"]   # optional: only in these; "" is the run without options

A rule that is listed and passes is an error, so that the list cannot outlive what it describes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast


class KnownError(Exception):
    """The file is not in the agreed form, or names what does not exist."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the author says about a rule."""

    rule: str
    reason: str
    link: str
    variants: tuple[str, ...] | None

    def applies(self, variant: str | None) -> bool:
        """Whether the rule is expected to fail in a variant."""
        return self.variants is None or (variant or "") in self.variants


def read_known(file: Path, rules: Container[str]) -> dict[str, Known]:
    """Return the entries of a file by rule; ``KnownError`` names the entry that is wrong."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise KnownError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KnownError(f"{file} is no TOML file: {error}") from error
    entries: list[Any] | dict[str, Any] = content.pop("known", [])
    if content or not isinstance(entries, list):
        raise KnownError(f"{file} may hold nothing but tables [[known]]")
    known: dict[str, Known] = {}
    for number, entry in enumerate(entries, start=1):
        found = _read_entry(entry, f"{file}, entry {number}")
        if found.rule not in rules:
            raise KnownError(f"{file}, entry {number}: there is no rule {found.rule!r}")
        if found.rule in known:
            raise KnownError(f"{file}, entry {number}: {found.rule} is listed already")
        known[found.rule] = found
    return known


def _read_entry(entry: Any, where: str) -> Known:
    if not isinstance(entry, dict):
        raise KnownError(f"{where} is no table")
    fields: dict[str, Any] = dict(cast("dict[str, Any]", entry))
    texts: list[str] = []
    for name in ("rule", "reason", "link"):
        text = fields.pop(name, None)
        if not isinstance(text, str) or not text.strip():
            raise KnownError(f"{where} needs a text for {name!r}")
        texts.append(text)
    variants: list[Any] | None = fields.pop("variants", None)
    if variants is not None and not (type(variants) is list and all(isinstance(name, str) for name in variants)):
        raise KnownError(f"{where}: variants must be a list of names")
    if fields:
        raise KnownError(f"{where} has unknown fields: {', '.join(sorted(fields))}")
    return Known(texts[0], texts[1], texts[2], None if variants is None else tuple(variants))
