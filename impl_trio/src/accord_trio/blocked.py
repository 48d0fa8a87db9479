"""The testing part: ``wait_all_tasks_blocked``, which Trio has itself, and runners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .loops import current_state

if TYPE_CHECKING:
    from .sessions import Session


class Testing:
    """See ``accord.protocols.Testing``."""

    __slots__ = ()

    async def wait_all_tasks_blocked(self) -> None:
        """See ``accord.protocols.Testing``."""
        from trio.testing import wait_all_tasks_blocked

        driver = current_state().token.driver
        if driver is None:
            await wait_all_tasks_blocked()
            return
        await driver.wait_all_tasks_blocked()

    def create_runner(self, options: Mapping[str, object], /) -> Session:
        """See ``accord.protocols.Testing``."""
        from .sessions import Session  # no part of an ordinary run

        return Session(options)
