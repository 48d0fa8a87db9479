"""Mutants of running a loop: what ``run`` takes, returns and leaves behind."""

from __future__ import annotations

import os
import sys
import traceback
from contextvars import Context, copy_context
from inspect import isawaitable
from typing import Any

import accord
from accord.lowlevel import RunVar
from accord.lowlevel import RunVarToken as Token
from accord_conformance.helpers import in_thread

from .making import Broken, around, mutant, replace

running: Any = sys.modules["accord._running"]
backends: Any = sys.modules["accord._backends"]


@mutant("RUN-1")
def errors_leave_the_run_in_a_group(broken: Broken) -> None:
    """What main raises comes in an exception group."""

    def run(main: Any, args: Any, options: Any) -> Any:
        try:
            return broken.base.run(main, args, options)
        except Exception as error:
            raise ExceptionGroup("the run failed", [error]) from None

    broken.run = run


@mutant("RUN-1")
def errors_leave_the_run_as_copies(broken: Broken) -> None:
    """What main raises is made anew."""

    def run(main: Any, args: Any, options: Any) -> Any:
        try:
            return broken.base.run(main, args, options)
        except ValueError as error:
            raise type(error)(*error.args) from None

    broken.run = run


@mutant("RUN-2")
def main_may_be_synchronous(broken: Broken) -> None:
    """What main returns is awaited only if that is possible."""

    def run(main: Any, args: Any, options: Any) -> Any:
        async def call() -> Any:
            result = main(*args)
            return await result if isawaitable(result) else result

        return broken.base.run(call, (), options)

    broken.run = run


@mutant("RUN-2")
def coroutine_given_to_run_stays_open(_: Broken) -> None:
    """A coroutine object is refused, and Python warns that it was not awaited."""

    def refuse(main: Any, _args: object) -> None:
        kind = type(main).__name__
        raise TypeError(f"main must be a function, not a {kind} {getattr(main, '__qualname__', '')}")

    replace(running, call_for_coroutine=refuse)


@mutant("RUN-3")
def run_inside_a_run_uses_a_thread(_: Broken) -> None:
    """Where a loop runs, main is run in a loop of another thread, and the thread waits."""

    def run_here(original: Any, *args: Any) -> Any:
        if backends.running_backend() is None:
            return original(*args)
        return in_thread(lambda: original(*args))

    replace(running, running_backend=lambda: None)
    around(running, "run_here", run_here)


@mutant("RUN-3")
def run_inside_a_run_calls_main(broken: Broken) -> None:
    """Whether a loop runs here is asked after main has been called."""
    replace(running, running_backend=lambda: None)

    def run(main: Any, args: Any, options: Any) -> Any:
        awaitable = main(*args)
        if broken.base.is_running_here():
            awaitable.close()
            raise RuntimeError("a loop runs here already")

        async def call() -> Any:
            return await awaitable

        return broken.base.run(call, (), options)

    broken.run = run


@mutant("RUN-4")
def unknown_options_are_ignored(broken: Broken) -> None:
    """Only the options that are known are looked at."""
    known = {"checkpoint_budget", "debug", "loop_factory", "use_uvloop", "virtual_time"}

    def run(main: Any, args: Any, options: Any) -> Any:
        return broken.base.run(main, args, {name: options[name] for name in known & set(options)})

    broken.run = run


@mutant("RUN-4")
def unknown_options_are_not_named(broken: Broken) -> None:
    """The error about an unknown option does not say which."""

    def run(main: Any, args: Any, options: Any) -> Any:
        try:
            return broken.base.run(main, args, options)
        except TypeError as error:
            raise TypeError("wrong options") from error

    broken.run = run


@mutant("RUN-5")
def main_sets_variables_of_its_caller(broken: Broken) -> None:
    """What main sets is visible after the run."""

    def run(main: Any, args: Any, options: Any) -> Any:
        contexts: list[Context] = []

        async def call() -> Any:
            try:
                return await main(*args)
            finally:
                contexts.append(copy_context())

        try:
            return broken.base.run(call, (), options)
        finally:
            for variable, value in contexts[0].items():
                variable.set(value)

    broken.run = run


@mutant("RUN-5")
def main_runs_in_an_empty_context(broken: Broken) -> None:
    """Main does not see what its caller has set."""

    def run(*args: Any) -> Any:
        return Context().run(broken.base.run, *args)

    broken.run = run


@mutant("RUN-6")
def exits_stay_in_their_group(_: Broken) -> None:
    """KeyboardInterrupt and SystemExit of a task leave run in an exception group."""

    def exit_exception(error: BaseException) -> BaseException:
        return error

    replace(sys.modules["accord.toolkit.outcomes"], exit_exception=exit_exception)


@mutant("RUN-6")
def exits_forget_their_group(_: Broken) -> None:
    """The errors beside a KeyboardInterrupt or SystemExit are lost."""

    def exit_exception(original: Any, error: BaseException) -> Any:
        leaf = original(error)
        if leaf is not error:
            leaf.__cause__ = None
        return leaf

    around(sys.modules["accord.toolkit.outcomes"], "exit_exception", exit_exception)


@mutant("RUN-6")
def exits_are_reported(broken: Broken) -> None:
    """A traceback is printed for what ends the run."""

    def run(main: Any, args: Any, options: Any) -> Any:
        try:
            return broken.base.run(main, args, options)
        except (KeyboardInterrupt, SystemExit):
            traceback.print_exc()
            raise

    broken.run = run


@mutant("RUN-6")
def interrupt_skips_clean_up(broken: Broken) -> None:
    """A KeyboardInterrupt of a task leaves the process at once, and nothing else is cancelled."""

    def note_error(original: Any, group: Any, error: BaseException, name: str) -> None:
        if isinstance(error, SystemExit):
            os._exit(3)
        original(group, error, name)

    around(broken.group, "note_error", note_error)


@mutant("RUN-7")
def run_swallows_cancellations(broken: Broken) -> None:
    """A main that was cancelled counts as one that has ended."""

    def run(main: Any, args: Any, options: Any) -> Any:
        try:
            return broken.base.run(main, args, options)
        except broken.cancelled_exc_class:
            return None

    broken.run = run


@mutant("RUN-8")
def failed_run_goes_on(_: Broken) -> None:
    """If main raises, detection still says that a loop runs."""

    def run_here(backend: Any, *args: Any) -> Any:
        previous, backends.here.backend = backends.here.backend, backend
        result = backend.run(*args)
        backends.here.backend = previous
        return result

    replace(running, run_here=run_here)


@mutant("RUN-8")
def all_tokens_are_kept(broken: Broken) -> None:
    """The token of a run outlives it."""
    tokens: set[Any] = set()

    def current_token() -> Any:
        token = broken.base.current_token()
        tokens.add(token)
        return token

    broken.current_token = current_token


@mutant("RUN-8")
def one_run_at_a_time(broken: Broken) -> None:
    """A run in a second thread is refused."""
    runs: list[object] = []

    def run(*args: Any) -> Any:
        if runs:
            raise RuntimeError("a loop runs already")
        runs.append(args)
        try:
            return broken.base.run(*args)
        finally:
            runs.pop()

    broken.run = run


@mutant("RUN-9")
def environment_wins(_: Broken) -> None:
    """The environment variable wins over the argument."""

    def choose(original: Any, choice: Any) -> Any:
        return original((isinstance(choice, str) and os.environ.get("ACCORD_BACKEND")) or choice)

    around(running, "choose_backend", choose)


@mutant("RUN-9")
def empty_variable_is_a_name(_: Broken) -> None:
    """An empty environment variable is looked up."""

    def choose(original: Any, choice: Any) -> Any:
        return original(os.environ.get("ACCORD_BACKEND") if choice is None else choice)

    around(running, "choose_backend", choose)


@mutant("RUN-9")
def asyncio_is_one_of_many(_: Broken) -> None:
    """Without a choice the first backend by name runs."""

    def choose(original: Any, choice: Any) -> Any:
        names = accord.get_all_backends()
        return original(names[0] if names and choice is None and not os.environ.get("ACCORD_BACKEND") else choice)

    around(running, "choose_backend", choose)


@mutant("RUN-9")
def half_a_backend_will_do(_: Broken) -> None:
    """An object that lacks members of the waist is used until one is missed."""

    def check_backend(candidate: Any) -> Any:
        return candidate

    replace(backends, check_backend=check_backend)


@mutant("RUN-9")
def missing_backend_is_a_mystery(_: Broken) -> None:
    """The error about an unknown backend does not say which ones are installed."""

    def not_found(name: str | None, _installed: object) -> str:
        return f"there is no backend {name}"

    replace(backends, _not_found=not_found)


@mutant("RUN-15")
def capabilities_are_too_few(broken: Broken) -> None:
    """A part that is there is not declared."""
    broken.capabilities = frozenset({"testing"})


@mutant("RUN-15")
def capabilities_are_too_many(broken: Broken) -> None:
    """A part is declared that the waist does not have."""
    broken.capabilities = broken.base.capabilities | {"files"}


@mutant("RUN-16")
def run_variables_are_global(_: Broken) -> None:
    """A run variable has one value for all runs."""

    class Everywhere(dict[None, Any]):
        def get(self, _: object, default: Any = None) -> Any:
            return super().get(None, default)

        def __setitem__(self, _: object, value: Any) -> None:
            super().__setitem__(None, value)

        def pop(self, _: object, *default: Any) -> Any:
            return super().pop(None, *default)

    def init(original: Any, variable: Any, *args: Any) -> None:
        original(variable, *args)
        variable._values = Everywhere()

    around(RunVar, "__init__", init)


@mutant("RUN-16")
def run_variable_can_be_reset_twice(_: Broken) -> None:
    """A token of a run variable can be used again."""

    def reset(original: Any, variable: Any, token: Any) -> None:
        original(variable, token)
        token._used = False

    around(RunVar, "reset", reset)


@mutant("RUN-16")
def run_variable_takes_any_token(_: Broken) -> None:
    """A token of another variable or another run is taken for a good one."""

    def reset(original: Any, variable: Any, token: Any) -> None:
        mine: Any = Token(variable, accord.lowlevel.current_token(), token._value)
        mine._used = token._used
        token._used = True
        original(variable, mine)

    around(RunVar, "reset", reset)


@mutant("RUN-18")
def generators_stay_suspended(broken: Broken) -> None:
    """Asynchronous generators that were left suspended are not closed at the end."""

    def run(main: Any, args: Any, options: Any) -> Any:
        async def call() -> Any:
            sys.set_asyncgen_hooks(None, None)
            return await main(*args)

        return broken.base.run(call, (), options)

    broken.run = run
