"""Resource guards: the check that only one task at a time does something."""

from __future__ import annotations

from types import TracebackType

from ..exceptions import BusyResourceError


class ResourceGuard:
    """A context manager that raises ``BusyResourceError`` while another task is inside it (GUARD-1).

    :param action: what the task does, for the error's text, such as "reading from".
    """

    __slots__ = ("__weakref__", "_action", "_guarded")

    def __init__(self, action: str = "using") -> None:
        self._action = action
        self._guarded = False

    def __enter__(self) -> None:
        if self._guarded:
            raise BusyResourceError(self._action)
        self._guarded = True

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._guarded = False
