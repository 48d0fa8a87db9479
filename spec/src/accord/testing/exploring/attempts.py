"""One run of a test under one plan, and what became of it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from ..._running import get_cancelled_exc_class, run
from ..._scopes import CancelScope
from ..._tasks import create_task_group, get_current_task
from ..._time import sleep
from ...protocols import Backend
from ...toolkit.coroutines import call_for_awaitable
from ...toolkit.errors import members, prune
from .exhaustive import Unrepeatable
from .places import Place
from .plans import Plan
from .recorder import OWN, Abandoned, Recorder

HORIZON = 1e9
"""Seconds, thirty years: who waits for longer waits for ever."""

_CANCELLATIONS = {"Cancelled", "CancelledError"}


class Subject:
    """What is tested, and how.

    :param admits: whether a task of this name may be cancelled; None if none may.
    """

    def __init__(
        self,
        test: Callable[..., Awaitable[object]],
        args: tuple[Any, ...],
        backend: Backend,
        options: Mapping[str, object],
        admits: Callable[[str], bool] | None,
        most: int,
    ) -> None:
        self.test = test
        self.args = args
        self.backend = backend
        self.options = {"checkpoint_budget": 1, **options}
        self.admits = admits
        self.most = most

    @property
    def name(self) -> str:
        """The name of the function, without its module."""
        function = self._function()
        return str(getattr(function, "__qualname__", None) or type(function).__name__).rpartition(".")[2]

    def _function(self) -> Callable[..., object]:
        function: Callable[..., object] = self.test
        while isinstance(function, partial):
            function = function.func
        return function

    def begin(self) -> Place | None:
        """Where the test begins."""
        code = getattr(inspect.unwrap(self._function()), "__code__", None)
        return None if code is None else Place(code.co_filename, code.co_firstlineno, code.co_name, begins=True)


class Attempt:
    """One run of the subject under a plan; raises what is no failure of the test (SCHED-17)."""

    def __init__(self, subject: Subject, plan: Plan) -> None:
        self.subject = subject
        self.error: BaseException | None = None
        """What the test raised."""
        self.problem: str | None = None
        """What else was wrong with it."""
        self.waiting: list[tuple[str, Place]] = []
        """Which tasks were left, and where, when it was stopped."""
        self.record = Recorder(
            plan,
            label=subject.name,
            begin=subject.begin(),
            admits=subject.admits,
            most=subject.most,
            on_endless=lambda: self._stop(f"no end after {subject.most} steps"),
        )
        self._begun = False
        try:
            run(self._main, backend=subject.backend, backend_options={**subject.options, "schedule": self.record})
        except Abandoned:
            pass
        except (Unrepeatable, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:
            if not self._begun:
                raise
            if self.error is None or type(self.error).__name__ in _CANCELLATIONS:
                self.error = exc  # the loop's own error, or that of a callback, which has cancelled the test
        self._raise_other()

    @property
    def kind(self) -> tuple[str, ...] | None:
        """What kind of failure it is, to be compared with others; None if the test has passed."""
        if self.problem is not None:
            return (self.problem,)
        return None if self.error is None else tuple(sorted({type(leaf).__name__ for leaf in leaves(self.error)}))

    def _raise_other(self) -> None:
        """Raise what the test raised if that is no failure: an interrupt, or a test framework's way to skip."""
        error, self.error = self.error, None
        if error is not None and not all(_is_failure(leaf) for leaf in leaves(error)):
            raise error
        self.error = error

    async def _main(self) -> None:
        if not self.record.steps:
            name = self.subject.backend.name
            raise RuntimeError(f"backend {name!r} takes the option schedule, and does not follow it")
        test: Awaitable[object] = call_for_awaitable(self.subject.test, self.subject.args)
        self._begun = True
        self._scope = CancelScope()
        async with create_task_group() as group:
            group.start_soon(self._watch, name=OWN)
            with self._scope:
                try:
                    await test
                except get_cancelled_exc_class() as exc:
                    if get_current_task().has_pending_cancellation():
                        raise
                    self.error = exc  # it belongs to nobody
                except GeneratorExit:
                    raise  # the run was abandoned
                except BaseException as exc:
                    prune(exc)
                    self.error = exc
                finally:
                    self.record.over = True
            group.cancel()

    async def _watch(self) -> None:
        # Time jumps if all tasks wait. So nobody is awake when this is over, and nobody has a deadline.
        await sleep(HORIZON)
        self._stop("deadlock: every task waits, and nothing can wake one of them")
        await sleep(HORIZON)
        self.record.abandons = True
        await sleep(0)

    def _stop(self, problem: str) -> None:
        self.problem = problem
        self.waiting = self.record.waiting()
        self.record.stopped = True
        self._scope.cancel("stopped by explore()")


def leaves(exc: BaseException) -> list[BaseException]:
    """Return the exceptions in a group, or an exception that is none."""
    inner = members(exc)
    return [leaf for member in inner for leaf in leaves(member)] if inner else [exc]


def _is_failure(exc: BaseException) -> bool:
    # ``pytest.fail()`` raises a BaseException, as ``pytest.skip()`` does. A cancellation is one that nobody has caught.
    return isinstance(exc, Exception) or type(exc).__name__ in {"Failed", *_CANCELLATIONS}
