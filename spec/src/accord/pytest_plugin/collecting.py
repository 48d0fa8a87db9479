"""Which tests and fixtures are accord's.

A coroutine test is, if it has the marker ``accord``, or in mode ``auto`` if it has no other plugin's marker. Such a
test uses the fixture ``accord_backend``, and each asynchronous fixture that a test with ``accord_backend`` uses is run
by accord. In mode ``auto`` a synchronous test that uses an asynchronous fixture uses ``accord_backend`` too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from .choices import parametrize
from .names import BACKEND, MARKERS, OTHERS


def is_coroutine_test(function: Any) -> bool:
    """Whether a test function, or what hypothesis has made of it, is asynchronous."""
    return inspect.iscoroutinefunction(unwrapped(function))


def _plain(function: Any) -> Any:
    return getattr(function, "__func__", function) if type(function) in (staticmethod, classmethod) else function


def is_marked(item: pytest.Item) -> bool:
    """Whether a test has one of our markers."""
    return any(item.get_closest_marker(name) is not None for name in MARKERS)


def unwrapped(function: Any) -> Any:
    """Return the function that was written, without ``staticmethod`` and the like."""
    function = _plain(function)
    hypothesis = getattr(function, "hypothesis", None)
    function = getattr(hypothesis, "inner_test", function)
    while isinstance(function, partial):
        function = function.func
    return function


def is_async_fixture(fixturedef: Any) -> bool:
    """Whether a fixture is asynchronous, and was not made for pytest-asyncio."""
    function = fixturedef.func
    return (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)) and not getattr(
        function, "_force_asyncio_fixture", False
    )


def _nobody_runs(fixturedef: Any, item: Any) -> bool:
    """Whether a synchronous test is about to get a coroutine object for an asynchronous fixture."""
    return (
        is_async_fixture(fixturedef)
        and BACKEND not in item.fixturenames
        and not any(item.get_closest_marker(name) for name in OTHERS)
        and not inspect.iscoroutinefunction(item.function)
    )


@contextmanager
def replaced_function(fixturedef: Any, function: Callable[..., Any]) -> Generator[None, None, None]:
    """Have pytest call another function for a fixture; errors have to come from one too, since pytest keeps books."""
    own = fixturedef.func
    fixturedef.func = function
    try:
        yield
    finally:
        fixturedef.func = own


class Collecting:
    """The hooks of the collection."""

    def __init__(self, config: pytest.Config) -> None:
        self._auto = (config.getoption("--accord-mode") or config.getini("accord_mode")) == "auto"
        mode = config.getini("accord_mode")
        if mode not in ("strict", "auto"):
            raise pytest.UsageError(f"accord_mode must be strict or auto, not {mode!r}")
        if self._auto:
            for plugin, other in (("pytest-asyncio", "asyncio_mode"), ("AnyIO's plugin", "anyio_mode")):
                if _mode_of(config, other) == "auto":
                    raise pytest.UsageError(
                        f"accord_mode and {other} are both auto, so that accord and {plugin} would both run each "
                        "coroutine test: leave one of them strict"
                    )

    def _is_ours(self, marks: set[str]) -> bool:
        return not marks.isdisjoint(MARKERS) or (self._auto and marks.isdisjoint(OTHERS))

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: Any, name: str, obj: Any) -> None:
        """Have tests that are accord's use a backend."""
        if not collector.istestfunction(obj, name):
            return
        function = _plain(obj)
        own: list[pytest.Mark] = list(getattr(function, "pytestmark", ()))
        marks = {mark.name for mark in [*own, *collector.iter_markers()]}
        if not marks.isdisjoint(MARKERS) or (is_coroutine_test(obj) and self._is_ours(marks)):
            _use_backend(function, own)

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test for each backend."""
        parametrize(metafunc)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """Make tests for each backend of those that turn out only now to need one.

        They were given the marker after they were collected, or, in mode auto, are synchronous and use an asynchronous
        fixture.
        """
        yield
        for item in items:
            if type(item).__module__.startswith("pytest_asyncio") and is_marked(item):
                raise pytest.UsageError(
                    f"{item.nodeid} has the marker accord, and pytest-asyncio takes it too: it has its marker too, "
                    "or asyncio_mode is auto, which should be strict beside accord"
                )
        late = [item for item in items if _is_late(item) or (self._auto and _uses_async_fixture(item))]
        if late:
            chosen = set(map(id, late))
            items[:] = [new for item in items for new in (_regenerated(item) if id(item) in chosen else (item,))]

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        """Refuse an asynchronous fixture that nobody runs; after the hooks that have it run."""
        item = request._pyfuncitem
        if not _nobody_runs(fixturedef, item):
            return (yield)

        def refuse(**_arguments: object) -> None:
            pytest.fail(
                f"async fixture {fixturedef.argname!r} is used by the sync test {item.name!r}: mark the test with "
                "@pytest.mark.accord, request the fixture accord_backend in one of the two, or set accord_mode = auto",
                pytrace=False,
            )

        with replaced_function(fixturedef, refuse):
            return (yield)


def _mode_of(config: pytest.Config, name: str) -> object:
    """Return the mode of another plugin, or None if it isn't there."""
    try:
        return getattr(config.option, name, None) or config.getini(name)
    except (KeyError, ValueError):
        return None


def _use_backend(function: Any, own: list[pytest.Mark]) -> None:
    if not any(mark.name == "usefixtures" and BACKEND in mark.args for mark in own):
        pytest.mark.usefixtures(BACKEND)(function)


def _is_late(item: pytest.Item) -> bool:
    return (
        isinstance(item, pytest.Function)
        and BACKEND not in item.fixturenames
        and is_marked(item)
        and is_coroutine_test(item.obj)
    )


def _uses_async_fixture(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function) or BACKEND in item.fixturenames or is_coroutine_test(item.obj):
        return False
    if any(item.get_closest_marker(name) for name in OTHERS):
        return False
    info: Any = getattr(item, "_fixtureinfo", None)
    definitions: dict[str, Any] = getattr(info, "name2fixturedefs", {})
    return any(found and is_async_fixture(found[-1]) for found in definitions.values())


def _regenerated(item: Any) -> Iterator[pytest.Item]:
    """Collect a test again, now that it has the marker, with the parameters that it has already."""
    function = item.function
    own: list[pytest.Mark] = list(getattr(function, "pytestmark", ()))
    function.pytestmark = own + [mark for mark in item.own_markers if mark.name in MARKERS and mark not in own]
    _use_backend(function, own)
    indices = _indices(item)
    for new in item.parent._genfunctions(item.originalname, function):
        if _indices(new) == indices:
            for mark in item.own_markers:
                if mark not in new.own_markers:
                    new.add_marker(pytest.MarkDecorator(mark, _ispytest=True))
            yield new


def _indices(item: Any) -> dict[str, int]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else {name: at for name, at in callspec.indices.items() if name != BACKEND}
