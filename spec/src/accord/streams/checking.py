"""Checks of the arguments of byte streams, with one text for all of them (STREAM-1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast


def check_size(value: object, name: str = "max_bytes", minimum: int = 1) -> int:
    """Return ``value`` if it is an int of at least ``minimum``; ``TypeError`` or ``ValueError`` naming it otherwise."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return value


def check_item(item: object) -> memoryview:
    """Return a view of the bytes of ``item``, which is bytes, a bytearray or a memoryview; ``TypeError`` otherwise.

    The view keeps a ``bytearray`` from being resized until it is released.
    """
    if not isinstance(item, bytes | bytearray | memoryview):
        raise TypeError(f"item must be bytes, bytearray or memoryview, not {type(item).__name__}")
    view = memoryview(cast("bytes", item))
    if view.format == "B" and view.ndim == 1 and view.contiguous:
        return view
    if not view.c_contiguous:
        raise TypeError("item must be contiguous in memory; send a copy: bytes(item)")
    return view.cast("B") if view.nbytes else memoryview(b"")  # nothing can't be cast


def attributes_of(*providers: object) -> Mapping[Any, Callable[[], Any]]:
    """Return the typed attributes of all that have some; where two know the same one, the last wins."""
    merged: dict[Any, Callable[[], Any]] = {}
    for provider in providers:
        merged.update(getattr(provider, "extra_attributes", {}))
    return merged
