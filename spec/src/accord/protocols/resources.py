"""Things that must be closed."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class AsyncResource(Protocol):
    """A resource with an asynchronous ``aclose``; leaving its block closes it."""

    __slots__ = ()

    async def aclose(self) -> None:
        """Close the resource; idempotent."""
        ...

    async def __aenter__(self) -> Self:
        """Return the resource itself."""
        ...

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        """Close the resource."""
        ...
