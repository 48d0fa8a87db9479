"""Classes, texts and contexts of the errors that the library raises."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.attempts import blocked
from accord_conformance.helpers import leaves, rule, settle
from accord_conformance.suite.errors.misuses import MISUSES

CLASSES = [value for value in vars(accord).values() if isinstance(value, type) and issubclass(value, BaseException)]

BUILT_IN = (TypeError, ValueError, RuntimeError, TimeoutError)


async def _error_of(name: str) -> Exception:
    try:
        await MISUSES[name]()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@rule("ERR-1", "ERR-2")
async def test_classes_have_one_root() -> None:
    """All exception classes of the package derive from AccordError, and say something without arguments."""
    assert len(CLASSES) > 10
    for kind in CLASSES:
        assert issubclass(kind, accord.AccordError)
        assert kind.__module__.partition(".")[0] == "accord"
        if kind is not accord.ConnectionFailed:
            assert str(kind())
    for kind, also in (
        (accord.BackendNotFound, LookupError),
        (accord.NoEventLoopError, RuntimeError),
        (accord.RunFinishedError, RuntimeError),
        (accord.TypedAttributeLookupError, LookupError),
        (accord.ConnectionFailed, OSError),
    ):
        assert issubclass(kind, also)


@rule("ERR-1")
@pytest.mark.parametrize("name", MISUSES)
async def test_vocabulary_is_closed(name: str) -> None:
    """What the library raises is one of its own classes, or exactly one of the few built-in ones."""
    error = await _error_of(name)
    assert type(error) in CLASSES or type(error) in BUILT_IN


@rule("ERR-2")
@pytest.mark.parametrize("name", MISUSES)
async def test_texts_can_be_read(name: str) -> None:
    """The text of an error is not empty and has no addresses, paths or inner objects in it."""
    text = str(await _error_of(name))
    assert text.strip()
    for noise in ("0x", "site-packages", "/accord", "<socket", "<coroutine", "<function", "object at"):
        assert noise not in text


@rule("ERR-3")
@pytest.mark.parametrize("name", MISUSES)
async def test_no_control_flow_shows(name: str) -> None:
    """An error has no context but its documented cause."""
    error = await _error_of(name)
    assert error.__context__ is None or error.__context__ is error.__cause__
    if error.__cause__ is not None:
        assert isinstance(error, accord.TaskFailed | accord.FutureFailed)
        assert isinstance(error.__cause__, ValueError)


@rule("ERR-3")
async def test_context_of_the_user_is_kept() -> None:
    """An error that is raised while the user handles another one has that as its context."""
    mine = KeyError("mine")
    with pytest.raises(RuntimeError) as caught:
        try:
            raise mine
        except KeyError:
            accord.Lock().release()
    assert caught.value.__context__ is mine


@rule("ERR-4")
async def test_cancellation_has_no_context_of_another_task() -> None:
    """A task that is cancelled by one which handles an exception does not get that as context."""
    cancellations: list[BaseException] = []

    async def wait() -> None:
        try:
            await accord.sleep_forever()
        except accord.get_cancelled_exc_class() as error:
            cancellations.append(error)
            raise

    async with accord.create_task_group() as group:
        for _ in range(2):
            attempt = await blocked(group, wait)
            try:
                raise KeyError("of another task")
            except KeyError:
                attempt.cancel()
        await settle()
        try:
            raise KeyError("of the host")
        except KeyError:
            group.start_soon(wait)
            await settle()
            group.cancel()
    assert len(cancellations) == 3
    for error in cancellations:
        assert not isinstance(error.__context__, KeyError)
        assert error.__context__ is None or not isinstance(error.__context__.__context__, KeyError)


@rule("ERR-4")
async def test_errors_of_waiters_have_no_context_of_another_task() -> None:
    """A task that is woken with an error by one which handles an exception does not get that as context."""
    send, receive = accord.create_memory_object_stream[int]()
    lock, future = accord.Lock(), accord.Future[int]()

    async def wait() -> None:
        await future

    async def own() -> None:
        await lock.acquire()
        await go.wait()

    go = accord.Event()
    with send:
        async with accord.create_task_group() as group:
            group.start_soon(own)
            await settle()
            attempts = [await blocked(group, operation) for operation in (receive.receive, lock.acquire, wait)]
            try:
                raise KeyError("of another task")
            except KeyError:
                receive.close()
                future.cancel()
                go.set()
                await settle()
    for attempt in attempts:
        assert attempt.outcome == "raised"
        assert attempt.error.__context__ is None


@rule("ERR-5")
def test_nothing_is_printed(run: Callable[..., Any], capfd: pytest.CaptureFixture[str]) -> None:
    """Errors that reach somebody are not printed as well, however they go."""

    async def fail(error: BaseException) -> None:
        await checkpoint()
        raise error

    def fail_in_thread() -> None:
        raise ValueError

    async def main() -> None:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(fail, ValueError())
                group.start_soon(fail, KeyError())
                group.start_soon(accord.sleep_forever)
        except* (ValueError, KeyError):
            pass
        try:
            await accord.to_thread.run_sync(fail_in_thread)
        except ValueError:
            pass
        with accord.move_on_after(0):
            await accord.sleep_forever()
        async with accord.create_task_group() as group:
            group.start_soon(fail, OSError())
            await accord.sleep_forever()

    for kind in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(ExceptionGroup) as caught:
            run(main)
        assert [type(leaf) for leaf in leaves(caught.value)] == [OSError]
        error = kind()
        with pytest.raises(kind):
            run(fail, error)
        del caught, error
        gc.collect()
    assert capfd.readouterr() == ("", "")
