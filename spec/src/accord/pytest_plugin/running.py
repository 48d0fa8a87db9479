"""The hooks that have fixtures and tests run in their levels; loaded when the first test needs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial, wraps
from typing import Any

import pytest
from _pytest.fixtures import resolve_fixture_function

from .._backends import running_backend
from ..protocols import Backend
from .choices import load
from .collecting import is_async_fixture, is_coroutine_test, is_marked, replaced_function
from .names import BACKEND, EXPLORE, OTHERS
from .outcomes import as_at_top_level, lonely
from .stages import Floor, Held, Stage


class Running:
    """The stages of a session."""

    def __init__(self) -> None:
        self._stages: list[Stage] = []
        self._clocks: list[tuple[Any, Any]] = []

    def stage_of(self, choice: Any) -> Stage:
        """Return the stage for a value of ``accord_backend``."""
        backend, options = self._loaded(choice)
        for stage in self._stages:
            if stage.backend is backend and stage.options == options:
                return stage
        stage = Stage(backend, options)
        self._stages.append(stage)
        return stage

    def _loaded(self, choice: Any) -> tuple[Backend, dict[str, object]]:
        """As ``load``, with a clock of its own in place of ``virtual_time=True``, which tests can ask for."""
        backend, found = load(choice)
        options = dict(found)
        if options.get("virtual_time") is True:
            options["virtual_time"] = self._clock(choice)
        return backend, options

    def _clock(self, choice: Any) -> Any:
        from ..testing import VirtualClock

        for known, clock in self._clocks:
            if known is choice:
                return clock
        clock = VirtualClock()
        self._clocks.append((choice, clock))
        return clock

    def clock_of(self, choice: Any) -> Any:
        """Return the virtual clock of the loop for a value of ``accord_backend``."""
        clock = self._loaded(choice)[1].get("virtual_time")
        if not clock:
            raise pytest.UsageError("virtual_clock: the test's loop has no virtual time; its options leave it out")
        return clock

    def warm_up(self, choice: Any) -> None:
        """Run a loop, so that what the host makes once and keeps (a thread, a pipe) is there."""
        from .._time import sleep
        from ..testing import Runner

        if self.stage_of(choice).has_loop:
            return
        backend, options = load(choice)
        options = {name: value for name, value in options.items() if name != "virtual_time"}
        with Runner(backend=backend, backend_options=options) as runner:
            runner.run(sleep, 0.001)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        """Have an asynchronous fixture of a test with a backend run in its level."""
        if not (is_async_fixture(fixturedef) and BACKEND in request.fixturenames):
            return (yield)
        if fixturedef.argname == BACKEND:
            raise pytest.UsageError("the fixture accord_backend can't be asynchronous: it says what to run it on")
        choice = request.getfixturevalue(BACKEND)
        if BACKEND not in fixturedef.argnames:
            # What the fixture has made belongs to this backend's loop, and ends before another backend's turn.
            request._get_active_fixturedef(BACKEND).addfinalizer(partial(fixturedef.finish, request=request))
        stage = self.stage_of(choice)
        function = resolve_fixture_function(fixturedef, request)

        def set_up(**arguments: Any) -> Any:
            __tracebackhide__ = True
            if running_backend() is not None:
                raise RuntimeError(
                    f"the async fixture {fixturedef.argname!r} can't be set up by request.getfixturevalue() in an "
                    "async test or fixture, which runs already: request it as a parameter"
                )
            held: list[Held] = []
            fixturedef.addfinalizer(lambda: [_as_at_top_level(stage.tear_down, one) for one in held])
            floor = self._floor(stage, request.node)
            finish = partial(fixturedef.finish, request=request)
            value, one = _as_at_top_level(stage.set_up, floor, fixturedef.argname, function, arguments, finish)
            held.append(one)
            return value

        with replaced_function(fixturedef, set_up):
            return (yield)

    def _floor(self, stage: Stage, node: Any) -> Floor:
        floor = stage.open(node)
        if hasattr(node, "runtest") and not floor.users:
            floor.users = 1
            node.addfinalizer(lambda: _as_at_top_level(stage.release, floor))
        return floor

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Run a coroutine test in the level of its function fixtures."""
        __tracebackhide__ = True
        test = pyfuncitem.obj
        if BACKEND not in pyfuncitem.funcargs or not is_coroutine_test(test) or not _is_ours(pyfuncitem):
            return None
        choice = pyfuncitem.funcargs[BACKEND]
        names: Any = getattr(pyfuncitem, "_fixtureinfo")  # noqa: B009 - private to pytest
        arguments = {name: pyfuncitem.funcargs[name] for name in names.argnames}
        mark = pyfuncitem.get_closest_marker(EXPLORE)
        if mark is not None:
            _refuse_async_fixtures(names)
            _explore(partial(test, **arguments), choice, mark)
            return True
        stage = self.stage_of(choice)
        floor = self._floor(stage, pyfuncitem)
        hypothesis = getattr(test, "hypothesis", None)
        if hypothesis is None:
            act = partial(test, **arguments)
            _as_at_top_level(stage.call, floor, pyfuncitem.nodeid, act)
            return True

        inner = hypothesis.inner_test

        @wraps(inner)
        def example(*values: Any, **keywords: Any) -> None:
            act = partial(inner, *values, **keywords)
            _as_at_top_level(stage.call, floor, pyfuncitem.nodeid, act)

        hypothesis.inner_test = example
        try:
            test(**arguments)
        finally:
            hypothesis.inner_test = inner
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, Any, Any]:
        """Have pytest forget fixtures that a cancellation has ended, so that the next test gets new ones."""
        try:
            return (yield)
        finally:
            for stage in self._stages:
                for held in [held for held in stage.held if held.gone]:
                    held.finish()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show the only error of an exception group as it is."""
        report = yield
        if report.failed and call.excinfo is not None and BACKEND in getattr(item, "fixturenames", ()):
            failed: Any = call.excinfo
            error = lonely(failed.value)
            if error is not None and not hasattr(report, "wasxfail"):
                alone: Any = pytest.ExceptionInfo
                report.longrepr = item.repr_failure(alone.from_exception(error))
                report.sections.append(("accord", f"alone in an {type(failed.value).__name__}: {failed.value}"))
        return report

    def pytest_sessionfinish(self) -> None:
        """End what an interrupt has left."""
        for stage in self._stages:
            stage.end()


def _refuse_async_fixtures(names: Any) -> None:
    for name, definitions in names.name2fixturedefs.items():
        if is_async_fixture(definitions[-1]):
            pytest.fail(
                f"an explored test has a new loop for each schedule, so that it can't use the async fixture {name!r}: "
                "make in the test what it needs",
                pytrace=False,
            )


def _explore(test: Callable[[], Awaitable[object]], choice: Any, mark: pytest.Mark) -> None:
    __tracebackhide__ = True
    from ..testing import explored

    backend, options = load(choice)
    # A schedule brings virtual time by itself.
    explored(test, **mark.kwargs)(backend, {name: value for name, value in options.items() if name != "virtual_time"})


def _is_ours(item: pytest.Function) -> bool:
    return is_marked(item) or not any(item.get_closest_marker(name) for name in OTHERS)


def _as_at_top_level(act: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function and raise its errors as pytest expects them."""
    __tracebackhide__ = True
    try:
        return act(*arguments)
    except BaseException as exc:
        error = as_at_top_level(exc)
        if error is exc:
            raise
    try:
        raise error from None
    finally:
        del error
