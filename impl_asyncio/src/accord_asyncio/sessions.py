"""A loop that runs only while it is asked to (``accord.protocols.Runner``), on ``asyncio.Runner``.

Each call has a root task of its own, as ``run`` has, and a copy of the caller's context. What the loop would only have
logged, an exception in a callback or one that no task ever fetched, is kept and raised by the call in which it came up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from typing import Any

from accord.toolkit import Outcome, check_budget, check_options, lending
from accord.toolkit.checks import refuse_schedule
from accord.toolkit.errors import prune

from .loops import state_of
from .runner import LENT, OPTIONS, make_runner, root_task
from .signals import Interrupts, signals_wake


class Session:
    """See ``accord.protocols.Runner``."""

    __slots__ = ("_closed", "_logged", "_runner", "_state")

    def __init__(self, options: Mapping[str, object]) -> None:
        check_options("asyncio", options, OPTIONS)
        budget = check_budget(options)
        refuse_schedule(options)
        self._runner = make_runner(options)
        self._closed = False
        self._logged: list[BaseException] = []
        loop = self._runner.get_loop()
        loop.set_exception_handler(self._keep)
        self._state = state_of(loop)
        self._state.budget = self._state.budget_left = budget

    def _keep(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._logged.append(error)
        else:
            loop.default_exception_handler(context)

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], /) -> Any:
        """See ``accord.protocols.Runner``."""
        if self._closed:
            raise RuntimeError("the runner is closed")
        outcome = Outcome()
        lent = lending(self._state.credit, **LENT)
        with lent, Interrupts() as interrupts, signals_wake(self._state.loop):
            self._runner.run(root_task(main, args, outcome, interrupts), context=copy_context())
        if self._logged:
            self._add_logged(outcome)
        return outcome.unwrap()

    def _add_logged(self, outcome: Outcome) -> None:
        errors = [*([] if outcome.error is None else [outcome.error]), *self._logged]
        self._logged.clear()
        for error in errors:
            prune(error)
        outcome.error = errors[0] if len(errors) == 1 else BaseExceptionGroup("errors that no task raised", errors)

    def close(self) -> None:
        """See ``accord.protocols.Runner``."""
        if self._closed:
            return
        self._closed = True
        self._state.token.ending = True
        outcome = Outcome()
        try:
            with Interrupts():
                self._runner.close()
        finally:
            self._state.end()
        if self._logged:
            self._add_logged(outcome)
        outcome.unwrap()
