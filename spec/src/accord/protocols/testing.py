"""What tests need from a backend (capability ``testing``)."""

from __future__ import annotations

from typing import Protocol


class Testing(Protocol):
    """The testing part of a backend."""

    __slots__ = ()

    async def wait_all_tasks_blocked(self) -> None:
        """Return when every other task waits for something that no runnable task or callback will bring (TIME-14).

        A checkpoint. Uses no timer and no processor time while it waits.
        """
        ...
