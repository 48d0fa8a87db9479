"""Mutants of the pytest plugin: the samples are run with a backend that breaks the plugin when it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from importlib import import_module
from typing import Any

import pytest

from accord import create_task_group

from .making import Broken, around, mutant, replace


def _plugin(module: str) -> Any:
    """Return a module of the plugin."""
    return import_module(f"accord.pytest_plugin.{module}")


async def _until_error(original: Any, *args: Any) -> None:
    """Await what a method returns, whatever it raises."""
    try:
        await original(*args)
    except Exception:
        return


@mutant("PLUGIN-1")
def plugin_swallows_failures(_: Broken) -> None:
    """A test that fails has passed."""
    around(_plugin("levels").Level, "call", _until_error)


@mutant("PLUGIN-1")
def plugin_never_awaits(_: Broken) -> None:
    """The coroutine of a test is made and thrown away."""

    def call(_stage: Any, _floor: Any, _name: str, test: Any) -> None:
        test().close()

    replace(_plugin("stages").Stage, call=call)


@mutant("PLUGIN-2")
def plugin_never_undoes_fixtures(_: Broken) -> None:
    """Fixtures are not run to their end."""

    async def tear_down(_level: Any, _entry: Any) -> None:
        pass

    replace(_plugin("levels").Level, tear_down=tear_down)


@mutant("PLUGIN-2")
def plugin_ends_higher_fixtures_after_each_test(_: Broken) -> None:
    """All fixtures are forgotten at the end of a test."""

    def gone(_held: Any) -> bool:
        return True

    replace(_plugin("stages").Held, gone=property(gone))


@mutant("PLUGIN-3")
def plugin_runs_tests_in_other_tasks(_: Broken) -> None:
    """A test runs in a task of its own."""

    async def call(original: Any, *args: Any) -> None:
        async with create_task_group() as group:
            group.start_soon(original, *args)

    around(_plugin("levels").Level, "call", call)


@mutant("PLUGIN-3")
def plugin_starts_all_levels_from_the_root(_: Broken) -> None:
    """The level of a function is no child of that of its module."""

    def open_level(original: Any, stage: Any, node: Any) -> Any:
        floors, stage._floors = stage._floors, [floor for floor in stage._floors if floor.node is node]
        try:
            return original(stage, node)
        finally:
            stage._floors = [*floors, *(floor for floor in stage._floors if floor not in floors)]

    around(_plugin("stages").Stage, "open", open_level)


@mutant("PLUGIN-4")
def plugin_hides_background_errors(_: Broken) -> None:
    """The test is told that it was cancelled, and not why."""

    def answer(original: Any, level: Any, *args: Any) -> None:
        level._failures.clear()
        original(level, *args)

    around(_plugin("levels").Level, "_answer", answer)


@mutant("PLUGIN-4")
def plugin_keeps_dead_fixtures(_: Broken) -> None:
    """The next test gets what a failure has ended."""

    def gone(_held: Any) -> bool:
        return False

    replace(_plugin("stages").Held, gone=property(gone))


@mutant("PLUGIN-5")
def plugin_passes_cancelled_tests(_: Broken) -> None:
    """A test that a fixture's scope cuts short has passed."""

    def answer(_level: Any, waiting: Any, _name: str) -> None:
        for request in waiting:
            request.settle(None, [])

    replace(_plugin("levels").Level, _answer=answer)


@mutant("PLUGIN-6")
def plugin_forgets_variables_of_fixtures(_: Broken) -> None:
    """What a fixture sets is set back after its first part."""

    async def set_up(original: Any, *args: Any) -> Any:
        before = copy_context()
        result = await original(*args)
        for variable, value in copy_context().items():
            if before.get(variable) is not value:
                variable.set(before.get(variable, "forgotten"))
        return result

    around(_plugin("levels").Level, "set_up", set_up)


@mutant("PLUGIN-7")
def plugin_shares_a_context(_: Broken) -> None:
    """Tests of a module share one level."""

    def open_level(original: Any, stage: Any, node: Any) -> Any:
        return original(stage, node.session)

    around(_plugin("stages").Stage, "open", open_level)


@mutant("PLUGIN-8")
def plugin_ignores_sync_variables(_: Broken) -> None:
    """What has changed in pytest's context is not looked at."""
    replace(_plugin("stages"), copy_context=Context)


@mutant("PLUGIN-9")
def plugin_does_not_look_for_scopes(_: Broken) -> None:
    """A test may leave scopes open."""

    async def call(_level: Any, _name: str, test: Any) -> None:
        await test()

    replace(_plugin("levels").Level, call=call)


@mutant("PLUGIN-9")
def plugin_does_not_look_for_tasks(_: Broken) -> None:
    """A test may leave tasks running."""

    async def tasks_left(_level: Any, _child: Any) -> list[str]:
        return []

    replace(_plugin("levels").Level, _tasks_left=tasks_left)


@mutant("PLUGIN-10")
def plugin_drops_the_markers_options(_: Broken) -> None:
    """The options that a marker names are left out."""

    def with_options(value: Any, _options: Any) -> Any:
        return value

    replace(_plugin("choices"), _with_options=with_options)


@mutant("PLUGIN-11")
def plugin_takes_others_tests(_: Broken) -> None:
    """Markers of other plugins are not looked at."""

    def is_ours(collecting: Any, marks: set[str]) -> bool:
        return "accord" in marks or collecting._auto

    replace(_plugin("collecting").Collecting, _is_ours=is_ours)

    def always(_item: Any) -> bool:
        return True

    replace(_plugin("running"), _is_ours=always)


@mutant("PLUGIN-12")
def plugin_leaves_sync_tests_alone(_: Broken) -> None:
    """A synchronous test gets what pytest makes of an async fixture."""

    def nobody_runs(_fixturedef: Any, _item: Any) -> bool:
        return False

    replace(_plugin("collecting"), _nobody_runs=nobody_runs)


@mutant("PLUGIN-13")
def plugin_overlooks_hypothesis(_: Broken) -> None:
    """What hypothesis has wrapped counts as synchronous."""
    original = _plugin("collecting").unwrapped

    def unwrapped(function: Any) -> Any:
        return function if hasattr(function, "hypothesis") else original(function)

    replace(_plugin("collecting"), unwrapped=unwrapped)


@mutant("PLUGIN-14")
def plugin_goes_on_after_an_interrupt(_: Broken) -> None:
    """Ctrl-C fails one test."""

    def call(original: Any, *args: Any) -> None:
        try:
            original(*args)
        except KeyboardInterrupt as error:
            raise RuntimeError("interrupted") from error

    around(_plugin("stages").Stage, "call", call)


@mutant("PLUGIN-15")
def plugin_does_not_look_for_a_loop(_: Broken) -> None:
    """A fixture that is asked for inside a test is left to the runner's own checks."""

    def nothing() -> None:
        pass

    replace(_plugin("running"), running_backend=nothing)


@mutant("PLUGIN-16")
def plugin_never_hears_of_callbacks(backend: Broken) -> None:
    """The loop logs what its callbacks raise."""

    def keep(_session: Any, _loop: Any, _context: Any) -> None:
        pass

    runner: object = backend.base.testing.create_runner({})
    getattr(runner, "close")()  # noqa: B009 - of no type
    replace(type(runner), _keep=keep)


@mutant("PLUGIN-17")
def plugin_leaves_outcomes_in_groups(_: Broken) -> None:
    """An outcome in a task of a group fails the test."""

    def same(error: BaseException) -> BaseException:
        return error

    replace(_plugin("running"), as_at_top_level=same)


@mutant("PLUGIN-17")
def plugin_lets_a_skip_hide_errors(_: Broken) -> None:
    """The first outcome in a group counts, whatever else there is."""
    outcomes = _plugin("outcomes")
    original: Callable[[BaseException], BaseException] = outcomes.as_at_top_level

    def first(error: BaseException) -> BaseException:
        found: list[BaseException] = [leaf for leaf in outcomes.leaves(error) if isinstance(leaf, outcomes.OUTCOMES)]
        return found[0] if found else original(error)

    replace(_plugin("running"), as_at_top_level=first)


@mutant("PLUGIN-18")
def plugin_binds_fixtures_to_another_instance(_: Broken) -> None:
    """An async fixture of a class gets an instance of its own."""

    def function_of(fixturedef: Any, request: Any) -> Any:
        function = getattr(fixturedef.func, "__func__", fixturedef.func)
        return function if request.cls is None else function.__get__(request.cls())

    replace(_plugin("running"), resolve_fixture_function=function_of)


@mutant("PLUGIN-19")
def plugin_looks_for_markers_once(_: Broken) -> None:
    """Markers that come after the collection are too late."""

    def is_late(_item: Any) -> bool:
        return False

    replace(_plugin("collecting"), _is_late=is_late)


@mutant("PLUGIN-20")
def plugin_swallows_errors_of_teardown(_: Broken) -> None:
    """What goes wrong when a fixture is undone is not reported."""
    around(_plugin("levels").Level, "tear_down", _until_error)


@mutant("PLUGIN-21")
def plugin_shows_groups(_: Broken) -> None:
    """A group is shown with all its lines."""

    def lonely(_error: BaseException) -> None:
        pass

    replace(_plugin("running"), lonely=lonely)


@mutant("PLUGIN-22")
def plugin_gives_ports_twice(_: Broken) -> None:
    """A factory gives out one port again and again."""

    def always_the_same(_factory: Any, _family: Any = None) -> int:
        return 40404

    replace(_plugin("ports").FreePortFactory, __call__=always_the_same)


@mutant("PLUGIN-23")
def plugin_explores_once(_: Broken) -> None:
    """An explored test is run once, as others."""
    running = _plugin("running")
    usual = running._explore

    def explore(test: Any, choice: Any, mark: Any) -> None:
        usual(test, choice, pytest.mark.accord_explore(schedules=1, seed=2).mark)

    replace(running, _explore=explore)


@mutant("PLUGIN-24")
def plugin_looks_for_no_leaks(_: Broken) -> None:
    """The fixture looks for tasks alone."""
    import accord.testing

    subject: Any = accord.testing
    usual = subject.check_leaks
    replace(subject, check_leaks=lambda: usual(threads=False, descriptors=False))
