"""What the plugin does in a session that tests a backend.

An asynchronous test runs in a new loop of its own, ``accord.run(test, backend=..., backend_options=...)``; a
synchronous one gets the fixtures ``backend``, ``run`` and ``script``. What a test is about is said by its marker
``rule`` (see ``helpers.rule``) and by nothing else.
"""

from __future__ import annotations

import gc
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

import accord
from accord.protocols import Backend

from .loader import LoadError, load_backend, load_options
from .plugin import NOT_APPLICABLE
from .rules import Rule, RulesError, load_rules
from .watchdog import Watchdog

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line asks for."""

    backend: str
    variant: str | None
    areas: list[str]
    rules: list[str]
    levels: list[str]
    patience: float
    events: str | None
    virtual_time: bool
    through_plugin: bool

    @classmethod
    def of(cls, config: pytest.Config) -> Choice:
        """Read the options."""
        names = (
            *("backend", "variant", "area", "rule", "level", "patience", "events"),
            *("virtual-time", "through-plugin"),
        )
        values: list[Any] = [config.getoption(f"--conformance-{name}") for name in names]
        return cls(*values)


def make_session(config: pytest.Config) -> Session:
    """Return what runs the session that the options ask for; ``pytest.UsageError`` if they cannot be met."""
    choice = Choice.of(config)
    try:
        backend = load_backend(choice.backend)
        options = load_options(backend, choice.variant)
        if choice.virtual_time:
            options = {**options, "virtual_time": True}
        rules = load_rules()
        selected = rules.select(set(choice.areas), set(choice.rules), set(choice.levels))
    except (LoadError, RulesError) as error:
        raise pytest.UsageError(str(error)) from error
    return Session(choice, backend, options, rules, selected)


class Session:
    """Hooks and fixtures of a session that tests a backend."""

    def __init__(
        self,
        choice: Choice,
        backend: Backend,
        options: Mapping[str, object],
        rules: Mapping[str, Rule],
        selected: list[Rule],
    ) -> None:
        # A fixture is found by the name of the attribute that holds it: these names must differ from the fixtures'.
        self._choice = choice
        self._tested = backend
        self._options = options
        self._rules = rules
        self._selected = {rule.id for rule in selected}
        self._events = None if choice.events is None else Path(choice.events)
        # A file of its own, since pytest captures the standard ones, and open as long as the process lives.
        stacks: str | int = os.dup(2) if choice.events is None else f"{choice.events}.stacks"
        self._stacks = open(stacks, "a", encoding="utf-8")  # noqa: SIM115, PTH123
        self._watchdog = Watchdog(choice.patience, self._record_hang, self._stacks) if choice.patience > 0 else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Have accord's plugin run the asynchronous tests, if that was asked for."""
        if self._choice.through_plugin:
            session.add_marker(pytest.mark.accord(backends=[(self._tested, dict(self._options))]))

    def _id(self, item: pytest.Item) -> str:
        """Return the id of a test, without the backend's name, which accord's plugin adds to it."""
        if not self._choice.through_plugin:
            return item.nodeid
        name = self._tested.name
        return item.nodeid.replace(f"[{name}]", "").replace(f"[{name}-", "[")

    def _record(self, **event: object) -> None:
        if self._events is not None:
            with self._events.open("a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")

    def _record_hang(self, test: str, message: str) -> None:
        if self._events is None:
            self._stacks.write(f"\n{test} {message}\n")
            self._stacks.flush()
        self._record(event="end", test=test, outcome="failed", message=f"The test {message}", duration=0.0)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the tests of the selected rules, in the rules' order, without those that an earlier process ran."""
        done = self._done()
        position = {rule_id: index for index, rule_id in enumerate(self._rules)}
        kept: list[tuple[int, pytest.Item]] = []
        dropped: list[pytest.Item] = []
        for item in items:
            ids = rule_ids(item)
            if unknown := [rule_id for rule_id in ids if rule_id not in position]:
                raise pytest.UsageError(f"{item.nodeid} names rules that do not exist: {', '.join(unknown)}")
            if self._id(item) in done or self._selected.isdisjoint(ids):
                dropped.append(item)
            else:
                kept.append((min(position[rule_id] for rule_id in ids), item))
        kept.sort(key=lambda pair: pair[0])
        items[:] = [item for _, item in kept]
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        for item in items:
            function = getattr(item, "function", None)
            about = (inspect.getdoc(function) or "").partition("\n")[0]
            self._record(event="collected", test=self._id(item), rules=rule_ids(item), about=about)
        # What exists now lives as long as the session: garbage is looked for among what tests make.
        gc.collect()
        gc.freeze()

    def _done(self) -> set[str]:
        """The tests that have ended in an earlier process of the same command."""
        if self._events is None or not self._events.exists():
            return set()
        with self._events.open(encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        return {event["test"] for event in events if event["event"] == "end"}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Record the test's start and watch its time."""
        self._record(event="start", test=self._id(item))
        if self._watchdog is not None:
            self._watchdog.begin(self._id(item))
        try:
            return (yield)
        finally:
            if self._watchdog is not None:
                self._watchdog.end()

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a test whose rules need what the backend does not declare."""
        for rule_id in rule_ids(item):
            item.user_properties.append(("rule", rule_id))
        needed = {need for marker in item.iter_markers("rule") for need in marker.kwargs.get("needs", ())}
        needed |= {self._rules[rule_id].capability for rule_id in rule_ids(item)} - {"core"}
        if missing := sorted(needed - self._tested.capabilities):
            pytest.skip(f"{NOT_APPLICABLE}the backend does not declare {', '.join(missing)}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object:
        """Run an asynchronous test in a new loop."""
        __tracebackhide__ = True
        function: Callable[..., Any] = pyfuncitem.obj
        if not inspect.iscoroutinefunction(function) or self._choice.through_plugin:
            return None
        arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(function).parameters}

        async def main() -> None:
            __tracebackhide__ = True
            coroutine = function(**arguments)
            if self._watchdog is not None:
                self._watchdog.follow(coroutine)
            await coroutine

        accord.run(main, backend=self._tested, backend_options=self._options)
        # Warnings about what a test left behind must be this test's, not those of the test that happens to collect it.
        gc.collect()
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, Any, Any]:
        """Collect what is left of a loop that accord's plugin has ended."""
        try:
            return (yield)
        finally:
            if self._choice.through_plugin:
                gc.collect()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record how the test ended: at its call, or at the phase that failed or skipped it."""
        report = yield
        if report.when == "call" or report.outcome != "passed":
            outcome: str = report.outcome
            message = report.longreprtext
            if report.skipped and isinstance(report.longrepr, tuple):
                message = report.longrepr[2].removeprefix("Skipped: ")
                outcome = "not applicable" if message.startswith(NOT_APPLICABLE) else "untested"
            self._record(event="end", test=self._id(item), outcome=outcome, message=message, duration=call.duration)
        return report

    @pytest.fixture(name="backend")
    def _backend(self) -> Backend:
        """The backend under test."""
        return self._tested

    @pytest.fixture(name="run")
    def _run(self) -> Callable[..., Any]:
        """``accord.run`` on the tested backend with the variant's options; keyword arguments are further options."""

        def run(main: Callable[..., Awaitable[T]], *args: Any, **options: object) -> T:
            return accord.run(main, *args, backend=self._tested, backend_options={**self._options, **options})

        return run

    @pytest.fixture(name="run_options")
    def _run_options(self) -> dict[str, object]:
        """The variant's options, for what starts runs by itself."""
        return dict(self._options)

    @pytest.fixture(name="backend_name_and_variant")
    def _backend_name_and_variant(self) -> str:
        """How ``pytest --accord-backend`` is told of the tested backend and variant."""
        return ":".join(filter(None, (self._choice.backend, self._choice.variant)))

    @pytest.fixture(name="script")
    def _script(self, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
        """Runs a program, given as source text, in a new interpreter, where ``run(main)`` is the fixture's ``run``."""
        preamble = (
            "import accord\n"
            "from accord_conformance.loader import load_backend, load_options\n"
            f"backend = load_backend({self._choice.backend!r})\n"
            f"options = load_options(backend, {self._choice.variant!r})\n"
            "def run(main, *args):\n"
            "    return accord.run(main, *args, backend=backend, backend_options=options)\n"
        )

        def script(source: str, timeout: float = 15) -> subprocess.CompletedProcess[str]:
            file = tmp_path / "program.py"
            file.write_text(preamble + source, encoding="utf-8")
            environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
            command = [sys.executable, "-W", "error", str(file)]
            return subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )

        return script


def rule_ids(item: pytest.Item) -> list[str]:
    """The ids of the rules that a test names, in order."""
    return [rule_id for marker in item.iter_markers("rule") for rule_id in marker.args]
