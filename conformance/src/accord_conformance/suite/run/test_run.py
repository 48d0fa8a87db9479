"""``run``: what it calls, returns, raises and refuses."""

from __future__ import annotations

import contextvars
import gc
import subprocess
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

import accord
from accord.lowlevel import LoopToken, current_backend, current_token
from accord.protocols import Backend
from accord_conformance.helpers import rule

Run = Callable[..., Any]

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


class Awaitable:
    """An awaitable that is no coroutine."""

    def __await__(self) -> Any:
        yield from accord.lowlevel.checkpoint().__await__()
        return "awaited"


@rule("RUN-1")
def test_value(run: Run) -> None:
    """The arguments go in and the value comes out, the same object."""
    value = object()

    async def main(first: object, second: object) -> tuple[object, object]:
        await accord.lowlevel.checkpoint()
        return first, second

    result = run(main, value, 2)
    assert result[0] is value
    assert result[1] == 2


@rule("RUN-1")
def test_exception(run: Run) -> None:
    """An exception of main comes out, the same object."""
    error = ValueError("from main")

    async def main() -> None:
        await accord.lowlevel.checkpoint()
        raise error

    with pytest.raises(ValueError, match="from main") as caught:
        run(main)
    assert caught.value is error
    assert error.__cause__ is None
    assert error.__context__ is None


@rule("RUN-1")
def test_exception_group(run: Run) -> None:
    """An exception group of main comes out as it is."""
    error = ExceptionGroup("mine", [ValueError("one"), KeyError("two")])

    async def main() -> None:
        raise error

    with pytest.raises(ExceptionGroup) as caught:
        run(main)
    assert caught.value is error


@rule("RUN-1")
def test_base_exception(run: Run) -> None:
    """An exception class of the program that derives from BaseException comes out of main as well."""

    class Stop(BaseException):
        pass

    async def main() -> None:
        await accord.lowlevel.checkpoint()
        raise Stop

    with pytest.raises(Stop):
        run(main)


@rule("RUN-1")
def test_no_checkpoint(run: Run) -> None:
    """A main without any checkpoint runs too."""

    async def main() -> int:
        return 42

    assert run(main) == 42


@rule("RUN-1")
def test_awaitable(run: Run) -> None:
    """Main may be any callable that returns an awaitable."""
    assert run(Awaitable) == "awaited"


@rule("RUN-2")
@pytest.mark.parametrize("bad", [None, 3, "name"])
def test_not_callable(run: Run, bad: Any) -> None:
    """What is not callable is refused, and the text tells what it is."""
    with pytest.raises(TypeError, match=type(bad).__name__):
        run(bad)


@rule("RUN-2")
def test_sync_function(run: Run) -> None:
    """A function that returns no awaitable is refused, and the text names it."""

    def forgot_the_async() -> int:
        return 3

    with pytest.raises(TypeError, match="forgot_the_async"):
        run(forgot_the_async)


@rule("RUN-2")
def test_coroutine_object(run: Run) -> None:
    """A coroutine object is refused, the text names its function, and it is closed without a warning."""

    async def called_too_early() -> None:
        pass

    coroutine = called_too_early()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(TypeError, match="called_too_early"):
            run(coroutine)
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            coroutine.send(None)
        del coroutine
        gc.collect()
    assert caught == []


@rule("RUN-2")
def test_wrong_arguments(run: Run) -> None:
    """Arguments that main does not take are a TypeError that names main."""

    async def takes_one(argument: object) -> None:
        pass

    with pytest.raises(TypeError, match="takes_one"):
        run(takes_one)


@rule("RUN-3")
async def test_run_inside_run(run: Run) -> None:
    """Inside a running loop run is refused, main is not called, and the loop goes on."""
    called: list[bool] = []

    def main() -> Coroutine[Any, Any, None]:
        called.append(True)
        return accord.sleep(0)

    token = current_token()
    with pytest.raises(RuntimeError):
        run(main)
    await accord.sleep(0.01)
    assert called == []
    assert current_token() is token


@rule("RUN-3")
async def test_run_inside_callback(run: Run) -> None:
    """In a callback run is refused as well."""
    errors: list[BaseException] = []
    called: list[bool] = []
    done = accord.Event()

    def main() -> Coroutine[Any, Any, None]:
        called.append(True)
        return accord.sleep(0)

    def callback() -> None:
        try:
            run(main)
        except BaseException as error:
            errors.append(error)
        done.set()

    current_token().call_soon(callback)
    await done.wait()
    assert called == []
    assert [type(error) for error in errors] == [RuntimeError]


@rule("RUN-4")
def test_unknown_option(run: Run) -> None:
    """An unknown option is refused by name and main is not called."""
    called: list[bool] = []

    def main() -> Coroutine[Any, Any, None]:
        called.append(True)
        return accord.sleep(0)

    with pytest.raises(TypeError, match="no_such_option"):
        run(main, no_such_option=1)
    assert called == []


@rule("RUN-4", "RUN-8")
def test_run_after_refusal(run: Run) -> None:
    """After a refused option nothing is left behind."""

    async def main() -> str:
        return "works"

    with pytest.raises(TypeError):
        run(main, no_such_option=1)
    with pytest.raises(accord.NoEventLoopError):
        current_backend()
    assert run(main) == "works"


@rule("RUN-5")
def test_context(run: Run) -> None:
    """Main sees the caller's context variables, and its own changes stay inside."""

    async def main() -> str:
        before = variable.get()
        variable.set("inside")
        await accord.lowlevel.checkpoint()
        assert variable.get() == "inside"
        return before

    token = variable.set("outside")
    try:
        assert run(main) == "outside"
        assert variable.get() == "outside"
    finally:
        variable.reset(token)


@rule("RUN-7")
def test_cancellation_comes_out(run: Run) -> None:
    """A cancellation that no scope catches comes out of run."""
    classes: list[type[BaseException]] = []
    carried: list[BaseException] = []

    async def main() -> None:
        classes.append(accord.get_cancelled_exc_class())
        with accord.CancelScope() as scope:
            scope.cancel()
            try:
                await accord.sleep_forever()
            except classes[0] as error:
                carried.append(error)
        raise carried[0]

    with pytest.raises(BaseException) as caught:
        run(main)
    assert isinstance(caught.value, classes[0])


@rule("RUN-8")
@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left(run: Run, fails: bool) -> None:
    """After a run that ended either way no loop is found, the token is finished, and a new run works."""
    tokens: list[LoopToken] = []

    async def main() -> None:
        tokens.append(current_token())
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep, 0.001)
            if fails:
                raise ValueError

    for count in (1, 2):
        if fails:
            with pytest.raises(ExceptionGroup):
                run(main)
        else:
            run(main)
        assert len(tokens) == count
        with pytest.raises(accord.NoEventLoopError):
            current_backend()
        with pytest.raises(accord.NoEventLoopError):
            current_token()
        with pytest.raises(accord.RunFinishedError):
            tokens[-1].call_soon(print)
    assert tokens[0] is not tokens[1]


@rule("RUN-15")
def test_capabilities(backend: Backend) -> None:
    """The declared capabilities are the parts that are there."""
    parts = {"readiness": backend.readiness, "testing": backend.testing}
    assert backend.capabilities == {name for name, part in parts.items() if part is not None}


@rule("RUN-18")
def test_generator_left_suspended(run: Run) -> None:
    """The finally block of a generator that is left suspended has begun when run returns."""
    events: list[str] = []
    kept: list[AsyncIterator[int]] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            events.append("clean-up")

    async def main() -> None:
        generator = numbers()
        kept.append(generator)
        async for number in generator:
            events.append(str(number))
            break
        events.append("main ends")

    with warnings.catch_warnings():
        # A host may warn that the generator was not closed.
        warnings.simplefilter("ignore", ResourceWarning)
        run(main)
    assert events == ["1", "main ends", "clean-up"]


@rule("RUN-8")
def test_first_use_in_several_threads(script: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Several threads that use the library for the first time at the same moment do not disturb each other."""
    done = script(
        "import threading\n"
        "barrier = threading.Barrier(4)\n"
        "results = []\n"
        "async def main(number):\n"
        "    async with accord.create_task_group() as group:\n"
        "        group.start_soon(accord.sleep, 0.01)\n"
        "    results.append(number)\n"
        "def target(number):\n"
        "    barrier.wait()\n"
        "    run(main, number)\n"
        "threads = [threading.Thread(target=target, args=(number,)) for number in range(4)]\n"
        "for thread in threads:\n"
        "    thread.start()\n"
        "for thread in threads:\n"
        "    thread.join(10)\n"
        "print(sorted(results))\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0, 1, 2, 3]\n", "")
