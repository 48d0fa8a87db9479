"""What became of the main function, carried past the host's own run function (RUN-6).

asyncio lets ``KeyboardInterrupt`` and ``SystemExit`` fall out of the loop past everything that would clean up, and Trio
wraps what passes through its nurseries. So main's error travels in an object, and the native task just ends.
"""

from __future__ import annotations

from typing import Any

from .errors import exit_exception


class Outcome:
    """The value that main returned, or the error that it raised."""

    __slots__ = ("error", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None

    def unwrap(self) -> Any:
        """Return the value, or raise the error as ``run`` has to."""
        error, self.error = self.error, None
        if error is None:
            return self.value
        try:
            raise exit_exception(error)
        finally:
            del error
