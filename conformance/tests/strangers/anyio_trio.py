"""AnyIO's Trio backend as an accord backend; ``anyio_waist`` says what in it is AnyIO's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import trio

from .anyio_tasks import known_info
from .anyio_waist import AnyIOBackend


class _Exits(trio.abc.Instrument):
    """Tells of the end of tasks. An instrument is an option that AnyIO passes on to Trio."""

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        """Tell whoever watches the task."""
        info = known_info(task.coro)
        if info is not None:
            info.end()


class AnyIOTrioBackend(AnyIOBackend):
    """AnyIO's Trio backend."""

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, object], /) -> Any:
        """AnyIO's, with an instrument of ours."""
        return super().run(main, args, {"instruments": [_Exits()], **options})


backend = AnyIOTrioBackend("trio")
