"""``wait_all_tasks_blocked``, which Trio has itself."""

from __future__ import annotations


class Testing:
    """See ``accord.protocols.Testing``."""

    __slots__ = ()

    async def wait_all_tasks_blocked(self) -> None:
        """See ``accord.protocols.Testing``."""
        from trio.testing import wait_all_tasks_blocked

        await wait_all_tasks_blocked()
